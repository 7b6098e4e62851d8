"""Names of what a renderer takes faces apart into, in their order everywhere; they load nothing else."""

MODALITIES = ("albedo", "normals", "shading", "shadow", "lighting")
