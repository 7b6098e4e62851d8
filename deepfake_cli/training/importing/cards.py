"""What the cards of imported models say; the numbers below it are written from `config.json`."""

MRI_GAN = """# MRI-GAN's generator, imported

Paints from one face how it differs from its unseen original: black where nothing was changed. The
weights are those of a published checkpoint of MRI-GAN (Prajapati and Pollett, arXiv 2203.00108).
Nothing was trained or measured here.

By its paper it learned from pairs of DFDC and Celeb-DF-v2, whose maps are those of structural
similarity, and from real faces of FFHQ and FDF, whose maps are black.

## What is different here

- Its authors run it in training mode when they test, with dropout on: a face gets another map each
  time. Here dropout is off, and a face always gets the same map.
- It takes faces in [-1, 1] and its tanh paints in [-1, 1], as there. Here maps are then rescaled to
  [0, 1], and 0 is unchanged.
- Its authors enlarge the box of a face by 10 % on each side and stretch it to a square. Here a
  square is cut, of 1.2 times the longer side of the box.

## Terms

Those of its authors, and of the data that it learned from.

## Numbers

"""

MRI_GAN_CLASSIFIER = """# MRI-GAN's classifier of {looks}, imported

Tells fakes from {what}. The weights are those of a published
checkpoint of MRI-GAN (Prajapati and Pollett, arXiv 2203.00108): an EfficientNet, the mean over its
pixels and two linear layers. Nothing was trained, calibrated or measured here. The file does not
say whether it learned from frames or from maps; whoever imported it did.

## What is different here

- Its authors call a video fake when a set fraction of its frames scores 0.5 or more (0.1 in their
  reports, 0.5 in their app). Here the mean score of a person's faces decides. The threshold of 0.5
  is theirs, of frames.
- Its authors enlarge the box of a face by 10 % on each side and stretch it to a square. Here a
  square is cut, of the size below.
{more}
## Terms

Those of its authors, and of the data that it learned from.

## Numbers

"""

MAPS = """- Its authors run their generator in training mode when they test, with dropout on: a face gets
  another map each time. Here dropout is off, and a face always gets the same map.
- The generator paints in [-1, 1]. Here its maps are rescaled to [0, 1], then scaled to {side} px.
  The generator is {generator}.
"""

DESSA = """# Dessa's ResNet18, imported

Tells fakes from faces. The weights are those of a published checkpoint of Dessa's "Visual DeepFake
Detection": a ResNet18 with two outputs, real and fake, whose difference is the logit here. Nothing
was trained, calibrated or measured here.

Dessa trained on FaceForensics++, on videos collected from YouTube, or on both, and found that a
model of one collection fails on the other. The file does not say which of them it learned from.

## What is different here

- Dessa cut the largest face of a frame by dlib's frontal detector. Here every face is cut, by the
  box of another detector (MTCNN): a square of 1.3 times its longer side, which only comes near to
  what the model learned from.
- The mean score of a person's faces decides about a video. The threshold is 0.5, where both outputs
  are equal.

## Terms

Those of its authors, and of the data that it learned from.

## Numbers

"""

INVERSE_RENDER_NET = """# InverseRenderNet++, imported

Takes a face apart: albedo, surface normals, shading, shadow and lighting. The weights are those of a
published checkpoint of InverseRenderNet++ (Yu and Smith, "Outdoor inverse rendering from a single image
using multiview self-supervision", TPAMI 2021), whose authors trained it on pictures of buildings and
places, not of faces. Nothing was trained or measured here. Of the three checkpoints that they published,
two were tuned further, on IIW and on DIODE; the files do not say which one this is.

## What is different here

- It takes faces in [-1, 1] as displays show them, and makes linear light of them by a power of 2.2. Its
  authors do so by the curve of sRGB for single pictures, and show pixels as they are in their benchmarks.
- Lighting is solved from linear light. Its authors raise it to 2.2 a second time for single pictures.
- Lighting is solved with a small ridge in place of a pseudoinverse, and over all pixels: there is no
  mask of the sky.
- {prior}
- A square is cut, of 1.3 times the longer side of the box of a face, and scaled to 200 px.

## Terms

Those of its authors, and of the data that it learned from.

## Numbers

"""
PRIOR = "Lighting is taken to the nearest that the imported prior knows, as its authors do."
NO_PRIOR = "Any lighting is taken, as no prior was imported; its authors take the nearest that theirs knows."
