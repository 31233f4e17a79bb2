//! Valid texts and fragments for the fuzz tests of each parser.

/// Valid texts of a parser and fragments for their mutation.
#[derive(Clone, Copy)]
pub struct Grammar {
    /// Valid texts.
    pub corpus: &'static [&'static str],
    /// Fragments to insert at random positions.
    pub fragments: &'static [&'static str],
}

/// Numbers at the bounds of types and of allowed ranges.
pub const NUMBERS: &[&str] = &[
    "0",
    "1",
    "2",
    "3",
    "7",
    "8",
    "9",
    "31",
    "32",
    "33",
    "63",
    "64",
    "65",
    "224",
    "255",
    "256",
    "257",
    "512",
    "513",
    "1000",
    "4095",
    "4096",
    "4097",
    "16384",
    "16385",
    "65535",
    "65536",
    "65537",
    "1000000",
    "1000001",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "18446744073709551616",
    "0.1",
    "0.01",
    "0.125",
    "0.25",
    "0.35",
    "0.75",
    "1.4",
    "2.3",
    "1.0000001",
    "1e300",
    "-1",
    "-0",
    "nan",
    "inf",
    "00",
    "1_000",
    "0x10",
    ".5",
    "5.",
];

/// Numbers that most fields allow.
pub const COMMON_NUMBERS: &[&str] = &["1", "2", "3", "4", "5", "7", "8", "16", "24", "64", "0.25", "2.5"];

const NOTATION_FRAGMENTS: &[&str] = &[
    ",",
    "_",
    "@",
    "x",
    "in",
    "conv",
    "ds",
    "ir",
    "er",
    "uib",
    "id",
    "head",
    "_k3",
    "_s2",
    "_e6",
    "_h30",
    "_c16",
    "_gr2",
    "_se0.25",
    "_si0.25",
    "_sq8",
    "_ghs",
    "_gsi",
    "_sn",
    "_nre",
    "_nr6",
    "_nhs",
    "_nsw",
    "_nge",
    "_ls",
    "_noskip",
    "_r2",
    "_r512",
    "_a5",
    "_k0",
    "_f64",
    "_fb64",
    "_fn64",
    "_o10",
    "_eps0.001",
    "_mom0.01",
    ",id_c8",
    ",ir_k3_e6_c24_nre",
    "é",
    "\u{0}",
    "🦀",
];

const TOML_FRAGMENTS: &[&str] = &[
    "\n",
    "=",
    "[",
    "]",
    "{",
    "}",
    "[[",
    "]]",
    "\"",
    "'",
    "#",
    ",",
    ".",
    " ",
    "true",
    "false",
    "[[family]]",
    "[[variant]]",
    "[[reference]]",
    "name = ",
    "stage = [",
    "block = ",
    "\"conv\"",
    "\"ds\"",
    "\"ir\"",
    "\"er\"",
    "\"uib\"",
    "\"id\"",
    "kernel = 3",
    "start-kernel = [0, 3]",
    "expansion = [1, 6]",
    "hidden-channels = 30",
    "groups = 2",
    "squeeze-excite = [0, 0.25]",
    "squeeze-input = 0.25",
    "squeeze-channels = 8",
    "gate = \"sigmoid\"",
    "squeeze-activation = \"swish\"",
    "activation = \"gelu\"",
    "layer-scale = [true, false]",
    "residual = [true, false]",
    "channels = [8, 16]",
    "depth = [1, 2, 64]",
    "stride = 2",
    "scaling = \"never\"",
    "depth-scaling = \"never\"",
    "choose = \"stage\"",
    "choices = [",
    "resolution = [32, 33]",
    "width = [0.35, 1.4]",
    "divisor = 1",
    "batch-norm = { epsilon = 0.001 }",
    "features = 64",
    "norm = \"batch-norm\"",
    "early-strides-removed = 2",
    "constraints = { max-params = 100000 }",
    "max-macs = 1000000",
    "max-peak-activation-bytes = 100000",
    "é",
    "\u{0}",
    "1979-05-27T07:32:00Z",
];

const JSON_FRAGMENTS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "\"",
    ":",
    ",",
    "null",
    "true",
    "false",
    "\\u0000",
    "\\ud800",
    "\"resolution\": 64,",
    "\"in_channels\": 8,",
    "\"out_channels\": 8,",
    "\"kernel_size\": 3,",
    "\"stride\": 2,",
    "\"expand_ratio\": 2.5,",
    "\"mid_channels\": 20,",
    "\"use_se\": true,",
    "\"name\": \"ZeroLayer\",",
    "\"act_func\": \"h_swish\",",
    "\"shortcut\": null,",
    "[[[[",
    "é",
];

pub const ARCHITECTURE_STRING: Grammar = Grammar {
    corpus: &[
        "in224,conv_k3_s2_c32_nr6,ir_k3_e1_c16_nr6,ir_r2_k3_s2_e6_c24_nr6,conv_k1_c1280_nr6,head_o1000",
        "in97_eps0.001_mom0.01,conv_k3_s2_c16_nhs,ds_k5_c24_si0.25_gsi_snsw_nre,id_s2_c30,id_c30,ir_k3_h31_c30_sq7_nre,head_f64_nhs_o7",
        "in64,conv_k3_s2_c16_nre,er_k3_s2_e4_c24_nre,uib_a5_k3_s2_e4_c32_nge_ls,uib_k0_e2.5_c32_nre_noskip,head_fb96_nre_o10",
        "in33,conv_k3_c8_nre,ir_k3_e6_c8_gr4_nre_noskip,ir_r500_k3_e2.3_c8_nsw,head_fn20_nge_o3",
    ],
    fragments: NOTATION_FRAGMENTS,
};

pub const BLOCK_KEY: Grammar = Grammar {
    corpus: &[
        "ir_k3_s2_e6_c24_se0.25_nr6@16x112x112",
        "conv_k7_c20_nge@3x33x47",
        "uib_a3_k5_s2_e2.5_c24_nre_ls_noskip@12x9x9",
        "er_k3_h100_c24_si0.25_gsi_snsw_nsw@30x7x1",
        "ds_k5_c24_sq7_nhs@16x5x5",
        "id_s8_c24@24x14x14",
        "head_f1280_nhs_o1000@960x7x7",
    ],
    fragments: NOTATION_FRAGMENTS,
};

pub const ARCHITECTURE_TOML: Grammar = Grammar {
    corpus: &[
        "resolution = 64\nbatch-norm = { epsilon = 0.001, momentum = 0.01 }\nblocks = [\n  \"conv_k3_s2_c16_nhs\",\n  \
         \"ir_r2_k3_s2_e4_c24_se0.25_nre\",\n  \"uib_a3_k0_e4_c24_nge_ls\",\n]\nhead = \"head_fb64_nre_o10\"\n",
        "resolution = 33\nblocks = [\"conv_k3_c8_nr6\", \"id_r500_c8\"]\nhead = \"head_o2\"",
    ],
    fragments: &[
        "\n",
        "=",
        "[",
        "]",
        "\"",
        ",",
        "\"conv_k3_c8_nre\",",
        "\"ir_r512_k3_e6_c24_nre\",",
        "\"id_c8\",",
        "resolution = ",
        "head = ",
        "blocks = [",
        "batch-norm = {",
        "epsilon = ",
        "momentum = ",
        "_k3",
        "_c8",
        "_r512",
        "_nge",
        "é",
        "\"\"\"",
        "#",
        "1e-3",
    ],
};

pub const NETWORK_JSON: Grammar = Grammar {
    corpus: &[r#"{"bn": {"momentum": 0.1, "eps": 0.001}, "resolution": 48,
"first_conv": {"in_channels": 3, "out_channels": 8, "kernel_size": 3, "stride": 2, "act_func": "relu6"},
"blocks": [
{"mobile_inverted_conv": {"name": "MBInvertedConvLayer", "in_channels": 8, "out_channels": 8, "kernel_size": 3, "stride": 1,
 "expand_ratio": 1}, "shortcut": null},
{"conv": {"name": "MBConvLayer", "in_channels": 8, "out_channels": 8, "kernel_size": 5, "stride": 1, "mid_channels": 20,
 "act_func": "h_swish", "use_se": true}, "shortcut": {"name": "IdentityLayer"}},
{"mobile_inverted_conv": {"name": "ZeroLayer", "stride": 1}, "shortcut": {"name": "IdentityLayer"}}],
"final_expand_layer": {"in_channels": 8, "out_channels": 48, "kernel_size": 1, "act_func": "swish"},
"feature_mix_layer": {"in_channels": 48, "out_channels": 32, "kernel_size": 1, "use_bn": false, "bias": true, "act_func": "relu"},
"classifier": {"in_features": 32, "out_features": 10}}"#],
    fragments: JSON_FRAGMENTS,
};

pub const SPACE_TOML: Grammar = Grammar {
    corpus: &[
        r#"name = "tiny"
[[family]]
name = "only"
resolution = [16, 24]
stage = [
  { block = "conv", kernel = 3, channels = 8, activation = "relu" },
  { block = "ir", kernel = [3, 5], expansion = [2, 4], channels = 16, stride = 2, depth = [1, 2], activation = "relu" },
]
"#,
        r#"name = "small"
early-strides-removed = 1
constraints = { max-params = 200000, max-peak-activation-bytes = 500000 }
reference = [{ name = "mobilenet-v2", width = [0.35, 1.0], resolution = 64 }]
[[family]]
name = "a"
width = [0.35, 0.75, 1.4]
resolution = 33
batch-norm = { epsilon = 0.001, momentum = 0.01 }
hidden = { features = 64, norm = "batch-norm", activation = "gelu", scaling = "up-only" }
stage = [
  { block = "conv", kernel = 3, stride = 2, channels = [8, 16], activation = "hard-swish" },
  { stride = 2, channels = [16, 24], depth = [1, 3], choose = "stage", choices = [
    { block = "id" },
    { block = ["ds", "ir"], kernel = 3, hidden-channels = 40, squeeze-excite = [0, 0.25], gate = ["sigmoid", "hard-sigmoid"], activation = "swish" },
    { block = "er", kernel = [3, 5], expansion = 2.5, squeeze-input = [0, 0.25], residual = [true, false], activation = "relu6" },
  ] },
]
[[family]]
name = "b"
divisor = 1
resolution = [32, 40]
hidden = { features = 20, activation = "relu" }
stage = [
  { block = "uib", start-kernel = [0, 3], kernel = [0, 3], expansion = 4, layer-scale = [true, false], channels = 8, depth = [1, 2], activation = "gelu" },
  { block = "ir", kernel = 3, expansion = [1, 3], groups = [1, 2], channels = [8, 8, 12], scaling = "never", activation = "relu" },
  { block = "ir", kernel = 3, expansion = [1, 3], groups = [1, 2], channels = [8, 8, 12], depth = [2, 1, 2], activation = "relu" },
]
"#,
    ],
    fragments: TOML_FRAGMENTS,
};

pub const REFERENCE_TOML: Grammar = Grammar {
    corpus: &[
        include_str!("../../references/mobilenet-v1.toml"),
        include_str!("../../references/mobilenet-v4-conv-small.toml"),
        r#"title = "Scaled"
paper = "none"
[family]
name = "scaled"
width = 1.0
resolution = 224
hidden = { features = 64, norm = "none", activation = "swish", scaling = "always" }
stage = [
  { block = "conv", kernel = 3, stride = 2, channels = 32, scaling = "never", depth-scaling = "never", activation = "relu6" },
  { block = "ir", kernel = 5, expansion = 6, squeeze-input = 0.25, gate = "sigmoid", stride = 2, channels = 24, depth = 2, activation = "swish" },
]
[[variant]]
name = "scaled-1"
title = "Scaled 1"
width = 1.1
depth = 1.2
resolution = [240, 260]
[[variant]]
name = "scaled-2"
title = "Scaled 2"
depth = 2
resolution = 300
"#,
    ],
    fragments: TOML_FRAGMENTS,
};
