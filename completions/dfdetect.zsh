#compdef dfdetect
# Generated from the command tree by tools/generate.py.
_dfdetect() {
    local state line
    local -a commands
    _arguments -C \
        '--version[Print the version, with the embedded model’s name and revision]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '1: :->command' '*:: :->rest'
    case $state in
        command)
            commands=(
                'scan:Tell whether the faces in videos and pictures are manipulated'
                'data:Make training tables out of data sets, stage by stage'
                'classifier:Train a detector and measure it'
                'gan:Train generators that paint maps of what was changed in faces, and paint'
                'renderer:Train renderers that take faces apart: albedo, shape and light'
                'models:List, explain, fetch, push and import the models that judge faces or paint maps'
                'config:Show, check and begin your profile of settings'
            )
            _describe command commands ;;
        rest)
            case $line[1] in
                scan) _dfdetect_scan ;;
                data) _dfdetect_data ;;
                classifier) _dfdetect_classifier ;;
                gan) _dfdetect_gan ;;
                renderer) _dfdetect_renderer ;;
                models) _dfdetect_models ;;
                config) _dfdetect_config ;;
            esac ;;
    esac
}
_dfdetect_scan() {
    _arguments -s \
        '(-r --recursive)'{-r,--recursive}'[Look into folders inside folders too]' \
        '--from-file[Read paths from this file\: one a line, or between NUL bytes]: :' \
        '--frames[Sampled frames of a video, or all]: :' \
        '--every[Every N-th frame instead]: :' \
        '--threshold[A score from here on is FAKE, below it REAL; the model’s own threshold by default]: :' \
        '--model[Which model judges\: plain, a folder, or owner/name@revision]: :' \
        '--method[Which embedded model judges\: by the face, by a map of what was changed in it, by both, by what the face is made of, or by all of these]: :(plain mri fusion modalities all)' \
        '(-j --jobs)'{-j,--jobs}'[Files judged at once]: :' \
        '--timeout[Most time for one file]: :' \
        '(-f --format)'{-f,--format}'[How results are written; by default a table, or what --output ends in]: :(table json jsonl csv)' \
        '(-o --output)'{-o,--output}'[Write the results to this file instead of stdout]: :_files' \
        '--resume[Go on with the JSON lines of an earlier run\: skip what they judge, append the rest]: :_files' \
        '(-d --details)'{-d,--details}'[Show each person in the table]' \
        '--only[Report only fake, real, uncertain, no-face or unreadable ones; may be repeated]: :(fake real uncertain no-face unreadable)' \
        '--fail-on[Exit with 1 for fake, uncertain, no-face or unreadable ones; may be repeated]: :(fake uncertain no-face unreadable)' \
        '--save-faces[Save the cut faces, in a folder for each file]: :_files' \
        '--save-mri[Save the maps that --method mri or fusion judges by, in a folder for each file]: :_files' \
        '--save-heatmaps[Save the faces with the places that their score rests on, in a folder for each file]: :_files' \
        '--save-modalities[Save what each person’s clearest face is made of, for --method modalities, in a folder for each file]: :_files' \
        '--profile[Lay this TOML file over your own profile]: :_files' \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '(-v --verbose)'{-v,--verbose}'[Tell on stderr what is being done]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_data() {
    local state line
    local -a commands
    _arguments -C \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '1: :->command' '*:: :->rest'
    case $state in
        command)
            commands=(
                'list:List the data sets of the field, or explain one'
                'fetch:Download a data set, or adopt your copy of it'
                'index:List files with label, original, method and split'
                'frames:Take a few frames of every video, as PNG'
                'landmarks:Find the faces in frames of every video'
                'crop:Cut one picture per face that was found'
                'mri:Compare fakes with their originals, face by face'
                'modalities:Take every face apart: albedo, normals, shading, shadow and lighting, as PNG'
                'forge:Make fakes out of real faces, with their masks'
                'table:Write the table of faces that trainers read'
                'run:Run all stages in order, up to the table of faces'
                'inspect:Show counts, face sizes, duplicates and contact sheets'
                'status:Show how far each stage is with each data set'
                'augment:Augment videos by a plan that you can read and edit'
            )
            _describe command commands ;;
        rest)
            case $line[1] in
                list) _dfdetect_data_list ;;
                fetch) _dfdetect_data_fetch ;;
                index) _dfdetect_data_index ;;
                frames) _dfdetect_data_frames ;;
                landmarks) _dfdetect_data_landmarks ;;
                crop) _dfdetect_data_crop ;;
                mri) _dfdetect_data_mri ;;
                modalities) _dfdetect_data_modalities ;;
                forge) _dfdetect_data_forge ;;
                table) _dfdetect_data_table ;;
                run) _dfdetect_data_run ;;
                inspect) _dfdetect_data_inspect ;;
                status) _dfdetect_data_status ;;
                augment) _dfdetect_data_augment ;;
            esac ;;
    esac
}
_dfdetect_data_list() {
    _arguments -s \
        '--seeds[Seeds of generated faces (stylegan2-ada)]: :' \
        '--json[Write JSON instead of text]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_data_fetch() {
    _arguments -s \
        '--as[Name in the workspace, if not the same]: :' \
        '--from[Adopt this copy, where it is\: a folder, or your own CSV]: :_files' \
        '--partial[Adopt it even if files are missing]' \
        '--compression[How videos are packed\: raw, c23, c40 (faceforensics)]: :' \
        '--methods[Kinds of fakes, with commas (faceforensics)]: :' \
        '--parts[Parts, with commas (muct, fdf, ffhq, dessa-youtube)]: :' \
        '--script[Fetch by the script that the authors send (faceforensics)]: :_files' \
        '--number[With --script\: videos of each set]: :' \
        '--server[With --script\: EU, EU2 or CA]: :' \
        '--search[List what this word finds (unsplash)]: :' \
        '--pictures[Most pictures listed]: :' \
        '--seeds[Seeds of generated faces (stylegan2-ada)]: :' \
        '--hub[The data set owner/name@revision on the Hub (hub)]: :' \
        '--mirror[Download from here instead of the registered address]: :' \
        '--connections[Files at once]: :' \
        '(-w --workspace)'{-w,--workspace}'[Folder of everything derived]: :_files' \
        '--force[Replace what is there]' \
        '--profile[Lay this TOML file over your own profile]: :_files' \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '--json[Write JSON instead of text]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_data_index() {
    _arguments -s \
        '--check[Decode a little of every file, and leave out what fails]' \
        '--shares[Shares of train, choose and report, such as 8,1,1]: :' \
        '--follow[What goes with a file of an official test list]: :(nothing original identity)' \
        '(-j --jobs)'{-j,--jobs}'[Videos worked on at once]: :' \
        '--seed[Starts every random draw]: :' \
        '(-w --workspace)'{-w,--workspace}'[Folder of everything derived]: :_files' \
        '--profile[Lay this TOML file over your own profile]: :_files' \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '--json[Write JSON instead of text]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_data_frames() {
    _arguments -s \
        '--frames[Exactly N of a video, evenly spaced]: :' \
        '--size[Longer side of a picture; 0 keeps it]: :' \
        '--sheet[Also draw a contact sheet of the frames of a few videos]' \
        '(-j --jobs)'{-j,--jobs}'[Videos worked on at once]: :' \
        '(-w --workspace)'{-w,--workspace}'[Folder of everything derived]: :_files' \
        '--profile[Lay this TOML file over your own profile]: :_files' \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '--json[Write JSON instead of text]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_data_landmarks() {
    _arguments -s \
        '--every[Every N-th frame of a video]: :' \
        '--frames[Exactly N frames, evenly spaced]: :' \
        '(--fakes --no-fakes)'{--fakes,--no-fakes}'[Also in fakes that name their original, whose boxes they are cut by]' \
        '--crops[Cut the faces as well, which spares data crop to decode them again]' \
        '(-j --jobs)'{-j,--jobs}'[Videos worked on at once]: :' \
        '(-w --workspace)'{-w,--workspace}'[Folder of everything derived]: :_files' \
        '--profile[Lay this TOML file over your own profile]: :_files' \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '--json[Write JSON instead of text]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_data_crop() {
    _arguments -s \
        '--margin[Added on each side, as a share of the box]: :' \
        '--size[Longer side of a picture; 0 keeps it]: :' \
        '--format[Of the pictures]: :(png jpeg)' \
        '--quality[Of JPEG]: :' \
        '(--align --no-align)'{--align,--no-align}'[Turn faces to a standard pose]' \
        '--faces[Which of a frame]: :(all largest)' \
        '(-j --jobs)'{-j,--jobs}'[Videos worked on at once]: :' \
        '(-w --workspace)'{-w,--workspace}'[Folder of everything derived]: :_files' \
        '--profile[Lay this TOML file over your own profile]: :_files' \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '--json[Write JSON instead of text]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_data_mri() {
    _arguments -s \
        '--metric[How to compare\: ssim, ms-ssim, gms, absolute, colour]: :' \
        '--size[Side of a map in pixels]: :' \
        '--share[Share of the originals to use]: :' \
        '--predict[Paint the map of every face with this generator instead\: mri-gan, a folder, or owner/name@revision]: :' \
        '(-j --jobs)'{-j,--jobs}'[Videos worked on at once]: :' \
        '--seed[Starts every random draw]: :' \
        '(-w --workspace)'{-w,--workspace}'[Folder of everything derived]: :_files' \
        '--profile[Lay this TOML file over your own profile]: :_files' \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '--json[Write JSON instead of text]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_data_modalities() {
    _arguments -s \
        '(-o --output)'{-o,--output}'[Take files apart that are in no data set, into here]: :_files' \
        '--renderer[What takes faces apart\: face-renderer, a folder, or owner/name@revision]: :' \
        '(-r --recursive)'{-r,--recursive}'[With --output\: look into folders inside folders too]' \
        '(-j --jobs)'{-j,--jobs}'[Videos worked on at once]: :' \
        '(-w --workspace)'{-w,--workspace}'[Folder of everything derived]: :_files' \
        '--profile[Lay this TOML file over your own profile]: :_files' \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '--json[Write JSON instead of text]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_data_forge() {
    _arguments -s \
        '--kind[How to forge, repeatable\: self-blend, warp-rectangle, warp-hull]: :' \
        '--share[Share of the real faces]: :' \
        '(-j --jobs)'{-j,--jobs}'[Videos worked on at once]: :' \
        '--seed[Starts every random draw]: :' \
        '(-w --workspace)'{-w,--workspace}'[Folder of everything derived]: :_files' \
        '--profile[Lay this TOML file over your own profile]: :_files' \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '--json[Write JSON instead of text]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_data_table() {
    _arguments -s \
        '--share[Share of the originals, with their fakes]: :' \
        '--faces[Most faces of a video; 0 takes all]: :' \
        '--weigh[What all weighs the same]: :(video face)' \
        '--seed[Starts every random draw]: :' \
        '(-w --workspace)'{-w,--workspace}'[Folder of everything derived]: :_files' \
        '--profile[Lay this TOML file over your own profile]: :_files' \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '--json[Write JSON instead of text]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_data_run() {
    _arguments -s \
        '--check[Decode a little of every file, and leave out what fails]' \
        '--forge[Also make fakes out of the real faces]' \
        '(-j --jobs)'{-j,--jobs}'[Videos worked on at once]: :' \
        '--seed[Starts every random draw]: :' \
        '(-w --workspace)'{-w,--workspace}'[Folder of everything derived]: :_files' \
        '--profile[Lay this TOML file over your own profile]: :_files' \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '--json[Write JSON instead of text]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_data_inspect() {
    _arguments -s \
        '--distance[How unlike the same may look]: :' \
        '--hashes[Pictures of a file to compare; 0 for none]: :' \
        '--pictures[Pictures on a contact sheet]: :' \
        '(-j --jobs)'{-j,--jobs}'[Videos worked on at once]: :' \
        '--seed[Starts every random draw]: :' \
        '(-w --workspace)'{-w,--workspace}'[Folder of everything derived]: :_files' \
        '--profile[Lay this TOML file over your own profile]: :_files' \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '--json[Write JSON instead of text]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_data_status() {
    _arguments -s \
        '(-w --workspace)'{-w,--workspace}'[Folder of everything derived]: :_files' \
        '--profile[Lay this TOML file over your own profile]: :_files' \
        '--json[Write JSON instead of text]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_data_augment() {
    local state line
    local -a commands
    _arguments -C \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '1: :->command' '*:: :->rest'
    case $state in
        command)
            commands=(
                'plan:Draw at random what is done to which video'
                'apply:Write the augmented videos of the plan'
                'preview:Show every kind of augmentation on one video'
            )
            _describe command commands ;;
        rest)
            case $line[1] in
                plan) _dfdetect_data_augment_plan ;;
                apply) _dfdetect_data_augment_apply ;;
                preview) _dfdetect_data_augment_preview ;;
            esac ;;
    esac
}
_dfdetect_data_augment_plan() {
    _arguments -s \
        '--share[Share of the originals to augment]: :' \
        '--most[Most augmentations of one video]: :' \
        '--seed[Starts every random draw]: :' \
        '(-w --workspace)'{-w,--workspace}'[Folder of everything derived]: :_files' \
        '--profile[Lay this TOML file over your own profile]: :_files' \
        '--force[Replace what is there]' \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '--json[Write JSON instead of text]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_data_augment_apply() {
    _arguments -s \
        '(-j --jobs)'{-j,--jobs}'[Videos worked on at once]: :' \
        '(-w --workspace)'{-w,--workspace}'[Folder of everything derived]: :_files' \
        '--profile[Lay this TOML file over your own profile]: :_files' \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '--json[Write JSON instead of text]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_data_augment_preview() {
    _arguments -s \
        '--video[Which video of the data set]: :' \
        '(-o --output)'{-o,--output}'[Folder to write]: :_files' \
        '--seconds[How much of the video to show]: :' \
        '(-j --jobs)'{-j,--jobs}'[Videos worked on at once]: :' \
        '--seed[Starts every random draw]: :' \
        '(-w --workspace)'{-w,--workspace}'[Folder of everything derived]: :_files' \
        '--profile[Lay this TOML file over your own profile]: :_files' \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_classifier() {
    local state line
    local -a commands
    _arguments -C \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '1: :->command' '*:: :->rest'
    case $state in
        command)
            commands=(
                'train:Train a classifier and write it as a model folder'
                'test:Measure a model on tables of faces, or on labelled videos and pictures'
                'compare:Compare two models on the same faces'
                'matrix:Measure models on several data sets'
                'robustness:Measure a model on damaged pictures'
                'calibrate:Set temperature, threshold and UNCERTAIN band of a model anew'
                'combine:Make one detector of several: the mean of what they say of a face'
                'stack:Make one detector of several that see faces in different ways'
                'search:Search the recipe of a classifier: train many, and compare them on the split choose'
            )
            _describe command commands ;;
        rest)
            case $line[1] in
                train) _dfdetect_classifier_train ;;
                test) _dfdetect_classifier_test ;;
                compare) _dfdetect_classifier_compare ;;
                matrix) _dfdetect_classifier_matrix ;;
                robustness) _dfdetect_classifier_robustness ;;
                calibrate) _dfdetect_classifier_calibrate ;;
                combine) _dfdetect_classifier_combine ;;
                stack) _dfdetect_classifier_stack ;;
                search) _dfdetect_classifier_search ;;
            esac ;;
    esac
}
_dfdetect_classifier_train() {
    _arguments -s \
        '(-o --output)'{-o,--output}'[The run’s folder]: :_files' \
        '--input[What is looked at\: plain, mri or fusion; albedo, normals, shading, shadow or lighting; modalities or rgb-modalities]: :' \
        '--generator[Who paints the maps\: mri-gan, a folder, or owner/name@revision]: :' \
        '--renderer[Who takes faces apart\: face-renderer, a folder, or owner/name@revision]: :' \
        '--real-only[Learn from real faces alone\: no labelled fakes, only forged ones]' \
        '--resume[Go on where the run in this folder stopped]' \
        '--start[Start from these weights (.safetensors), not classifier.start]: :_files' \
        '--preset[Lay a published recipe over the defaults, such as sbi or paper]: :' \
        '--set[Set a key of the profile, such as classifier.epochs=2 (repeatable)]: :' \
        '--profile[Lay this TOML file over your own profile]: :_files' \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_classifier_test() {
    _arguments -s \
        '--split[Judge the rows of this split of tables of faces (repeatable; default\: report)]: :' \
        '(-o --output)'{-o,--output}'[Write a page with curves and tables to this folder, and the numbers and scores behind it]: :_files' \
        '--record[Write the numbers into the model’s config.json and card]' \
        '(-j --jobs)'{-j,--jobs}'[Videos and pictures judged at once]: :' \
        '--profile[Lay this TOML file over your own profile]: :_files' \
        '--json[Write JSON instead of text]' \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_classifier_compare() {
    _arguments -s \
        '--split[Judge the rows of this split of tables of faces (repeatable; default\: report)]: :' \
        '--json[Write JSON instead of text]' \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_classifier_matrix() {
    _arguments -s \
        '(-m --model)'{-m,--model}'[A model folder, the name of an embedded model, or owner/name@revision (repeatable)]: :' \
        '--split[Judge the rows of this split of tables of faces (repeatable; default\: report)]: :' \
        '--strict[Refuse where a model has seen a test set, instead of marking it]' \
        '(-o --output)'{-o,--output}'[Write matrix.json, matrix.csv and report.html here]: :_files' \
        '--json[Write JSON instead of text]' \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_classifier_robustness() {
    _arguments -s \
        '--split[Judge the rows of this split of tables of faces (repeatable; default\: report)]: :' \
        '--kind[Damage pictures in this way (repeatable; default\: all)\: jpeg, h264, blur, noise, scale, saturation, contrast, blocks]: :' \
        '--faces[At most so many faces of a table, drawn evenly over labels and videos (default\: all)]: :' \
        '(-o --output)'{-o,--output}'[Write robustness.json, robustness.csv and report.html here]: :_files' \
        '--json[Write JSON instead of text]' \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_classifier_calibrate() {
    _arguments -s \
        '--split[Choose by the rows of this split (repeatable; default\: choose)]: :' \
        '--rule[How the threshold is chosen\: balanced, fpr or cost]: :' \
        '--fpr[With fpr\: largest share of real videos that may be called fake]: :' \
        '--cost-missed[With cost\: of calling a fake real]: :' \
        '--cost-false-alarm[With cost\: of calling a real video fake]: :' \
        '--abstain[Share of the videos that the UNCERTAIN band may hold]: :' \
        '--margin[Cut faces as a square of so many times the longer side of their box]: :' \
        '(-o --output)'{-o,--output}'[Write a copy of the model here; change nothing]: :_files' \
        '--profile[Lay this TOML file over your own profile]: :_files' \
        '--json[Write JSON instead of text]' \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_classifier_combine() {
    _arguments -s \
        '--on[Set threshold and band on this table of faces (repeatable)]: :_files' \
        '(-o --output)'{-o,--output}'[Where to write the model folder]: :_files' \
        '--mirrored[Judge the mirror image of each face too]' \
        '--weights[Average the weights of models that were trained on from one another]' \
        '--split[Choose by the rows of this split (repeatable; default\: choose)]: :' \
        '--profile[Lay this TOML file over your own profile]: :_files' \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_classifier_stack() {
    _arguments -s \
        '--on[Fit the weights to this table of faces (repeatable)]: :_files' \
        '(-o --output)'{-o,--output}'[Where to write the model folder]: :_files' \
        '--split[Choose by the rows of this split (repeatable; default\: choose)]: :' \
        '--profile[Lay this TOML file over your own profile]: :_files' \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_classifier_search() {
    _arguments -s \
        '(-o --output)'{-o,--output}'[The search’s folder; goes on with it]: :_files' \
        '--space[What is tried\: a TOML file, or dessa, a published one]: :' \
        '--trials[Trials in all, not those of the space’s file]: :' \
        '--workers[Trials at a time, each in its own process]: :' \
        '--report[Try nothing; only write the report and show the best]' \
        '--real-only[Learn from real faces alone\: no labelled fakes, only forged ones]' \
        '--preset[Lay a published recipe over the defaults, such as sbi or paper]: :' \
        '--set[Set a key of the profile, such as classifier.epochs=2 (repeatable)]: :' \
        '--profile[Lay this TOML file over your own profile]: :_files' \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_gan() {
    local state line
    local -a commands
    _arguments -C \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '1: :->command' '*:: :->rest'
    case $state in
        command)
            commands=(
                'train:Train a generator of maps and write it as a model folder'
                'test:Measure a generator on tables of faces'
                'predict:Paint a map of every face: where, by its looks alone, it was changed'
            )
            _describe command commands ;;
        rest)
            case $line[1] in
                train) _dfdetect_gan_train ;;
                test) _dfdetect_gan_test ;;
                predict) _dfdetect_gan_predict ;;
            esac ;;
    esac
}
_dfdetect_gan_train() {
    _arguments -s \
        '(-o --output)'{-o,--output}'[The run’s folder]: :_files' \
        '--resume[Go on where the run in this folder stopped]' \
        '--start[Start from these weights (.safetensors), not gan.start]: :_files' \
        '--preset[Lay a published recipe over the defaults, such as sbi or paper]: :' \
        '--set[Set a key of the profile, such as classifier.epochs=2 (repeatable)]: :' \
        '--profile[Lay this TOML file over your own profile]: :_files' \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_gan_test() {
    _arguments -s \
        '--split[Judge the rows of this split of tables of faces (repeatable; default\: report)]: :' \
        '--scores[Write the score of every face to this CSV file]: :_files' \
        '--record[Write the numbers into the model’s config.json and card]' \
        '--json[Write JSON instead of text]' \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_gan_predict() {
    _arguments -s \
        '(-o --output)'{-o,--output}'[Folder to write, with a folder for each file]: :_files' \
        '--model[What paints\: mri-gan, a folder, or owner/name@revision]: :' \
        '--faces[Pictures are cut faces already\: the whole picture is the face]' \
        '--sheets[Also lay faces and maps side by side, on a sheet for each file]' \
        '--frames[Sampled frames of a video, 0 for all]: :' \
        '(-r --recursive)'{-r,--recursive}'[Look into folders inside folders too]' \
        '(-j --jobs)'{-j,--jobs}'[Files worked on at once]: :' \
        '--profile[Lay this TOML file over your own profile]: :_files' \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '--json[Write JSON instead of text]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_renderer() {
    local state line
    local -a commands
    _arguments -C \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '1: :->command' '*:: :->rest'
    case $state in
        command)
            commands=(
                'train:Train an inverse renderer of faces and write it as a model folder'
            )
            _describe command commands ;;
        rest)
            case $line[1] in
                train) _dfdetect_renderer_train ;;
            esac ;;
    esac
}
_dfdetect_renderer_train() {
    _arguments -s \
        '(-o --output)'{-o,--output}'[The run’s folder]: :_files' \
        '--resume[Go on where the run in this folder stopped]' \
        '--start[Start from these weights (.safetensors), not renderer.start]: :_files' \
        '--preset[Lay a published recipe over the defaults, such as sbi or paper]: :' \
        '--set[Set a key of the profile, such as classifier.epochs=2 (repeatable)]: :' \
        '--profile[Lay this TOML file over your own profile]: :_files' \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_models() {
    local state line
    local -a commands
    _arguments -C \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '1: :->command' '*:: :->rest'
    case $state in
        command)
            commands=(
                'list:List the models that need no network'
                'info:Explain a model: its training, its numbers, its terms'
                'pull:Fetch a model from the Hub, and check it'
                'push:Push a model to the Hub, all of it in one commit'
                'import:Make a model folder of a published checkpoint'
            )
            _describe command commands ;;
        rest)
            case $line[1] in
                list) _dfdetect_models_list ;;
                info) _dfdetect_models_info ;;
                pull) _dfdetect_models_pull ;;
                push) _dfdetect_models_push ;;
                import) _dfdetect_models_import ;;
            esac ;;
    esac
}
_dfdetect_models_list() {
    _arguments -s \
        '--json[Write JSON instead of text]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]'
}
_dfdetect_models_info() {
    _arguments -s \
        '--json[Write JSON instead of text]' \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_models_pull() {
    _arguments -s \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_models_push() {
    _arguments -s \
        '--public[Let everybody see a new repository; without this it is private]' \
        '--revision[Branch to push to, made if it is not there]: :' \
        '--message[First line of the commit, in place of name and version]: :' \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_models_import() {
    _arguments -s \
        '--as[What kind of checkpoint it is]: :(mri-gan mri-gan-classifier dessa-resnet18 inverserendernet)' \
        '(-o --output)'{-o,--output}'[Where to write the model folder]: :_files' \
        '--generator[Let mri-gan-classifier judge the maps of this generator\: a folder or an embedded one]: :' \
        '--prior[Where inverserendernet’s mean.npy and pcaVector.npy are, if not beside its checkpoint]: :_files' \
        '--profile[Lay this TOML file over your own profile]: :_files' \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_config() {
    local state line
    local -a commands
    _arguments -C \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '1: :->command' '*:: :->rest'
    case $state in
        command)
            commands=(
                'show:Print every setting, and where it came from'
                'path:Print where your profile is looked for'
                'init:Write a profile with every key explained, to edit'
                'check:Check all sources of settings; tell all mistakes'
            )
            _describe command commands ;;
        rest)
            case $line[1] in
                show) _dfdetect_config_show ;;
                path) _dfdetect_config_path ;;
                init) _dfdetect_config_init ;;
                check) _dfdetect_config_check ;;
            esac ;;
    esac
}
_dfdetect_config_show() {
    _arguments -s \
        '--preset[Lay a published recipe over the defaults, such as sbi or paper]: :' \
        '--profile[Lay this TOML file over your own profile]: :_files' \
        '--json[Write JSON instead of text]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]'
}
_dfdetect_config_path() {
    _arguments -s \
        '(-h --help)'{-h,--help}'[Show this message and exit]'
}
_dfdetect_config_init() {
    _arguments -s \
        '--force[Replace what is there]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]'
}
_dfdetect_config_check() {
    _arguments -s \
        '--profile[Lay this TOML file over your own profile]: :_files' \
        '(-h --help)'{-h,--help}'[Show this message and exit]'
}
_dfdetect "$@"
