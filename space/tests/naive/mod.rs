//! Naive computation of costs from the definition of blocks, independent of the crate's lowering: it adds the cost of every
//! kernel, and examines every feature map in every step.

use mnas_space::{Architecture, Block, Cost, Graph, HiddenNorm, Op, SqueezeExcite, TensorId};

/// Costs of the blocks so far, and the channels and side of the last feature map.
#[derive(Default)]
struct Naive {
    cost: Cost,
    channels: u32,
    side: u32,
}

/// Costs of a network.
pub fn cost(architecture: &Architecture) -> Cost {
    let mut naive = Naive {
        cost: Cost::default(),
        channels: 3,
        side: architecture.resolution,
    };
    for block in &architecture.blocks {
        naive.block(block);
    }
    naive.side = 1;
    if let Some(hidden) = architecture.head.hidden {
        match hidden.norm {
            HiddenNorm::Bias => naive.biased(hidden.features),
            HiddenNorm::BatchNorm => naive.normalised(hidden.features, 1, 1, 1),
            HiddenNorm::None => naive.convolution(hidden.features, 1, 1, 1),
        }
    }
    naive.biased(architecture.head.classes);
    Cost {
        peak_activation_bytes: peak_activation_bytes(&architecture.graph()),
        ..naive.cost
    }
}

impl Naive {
    fn block(&mut self, block: &Block) {
        let (input, side) = (self.channels, self.side);
        match *block {
            Block::Conv(conv) => self.normalised(conv.channels, conv.kernel, conv.stride, 1),
            Block::DepthwiseSeparable(ds) => {
                self.normalised(input, ds.kernel, ds.stride, input);
                self.squeeze(ds.squeeze_excite);
                self.normalised(ds.channels, 1, 1, 1);
            }
            Block::InvertedResidual(ir) => {
                if ir.hidden_channels != input {
                    self.normalised(ir.hidden_channels, 1, 1, ir.groups);
                }
                self.normalised(ir.hidden_channels, ir.kernel, ir.stride, ir.hidden_channels);
                self.squeeze(ir.squeeze_excite);
                self.normalised(ir.channels, 1, 1, ir.groups);
            }
            Block::FusedInvertedResidual(er) => {
                self.normalised(er.hidden_channels, er.kernel, er.stride, 1);
                self.squeeze(er.squeeze_excite);
                self.normalised(er.channels, 1, 1, 1);
            }
            Block::UniversalInvertedBottleneck(uib) => {
                if uib.start_kernel > 0 {
                    let stride = if uib.kernel > 0 { 1 } else { uib.stride };
                    self.normalised(input, uib.start_kernel, stride, input);
                }
                self.normalised(uib.hidden_channels, 1, 1, 1);
                if uib.kernel > 0 {
                    self.normalised(uib.hidden_channels, uib.kernel, uib.stride, uib.hidden_channels);
                }
                self.normalised(uib.channels, 1, 1, 1);
                if uib.layer_scale {
                    self.learnt(uib.channels);
                }
            }
            Block::Identity(id) => {
                if id.stride != 1 || id.channels != input {
                    self.normalised(id.channels, 1, id.stride, 1);
                }
            }
        }
        assert_eq!(self.channels, block.channels());
        assert!(self.side <= side && self.side >= 1);
    }

    fn learnt(&mut self, values: u32) {
        self.cost.params += u64::from(values);
        self.cost.folded_params += u64::from(values);
    }

    /// Adds a convolution with padding of half a kernel, without bias.
    fn convolution(&mut self, out_channels: u32, kernel: u32, stride: u32, groups: u32) {
        let padded = self.side + 2 * (kernel / 2);
        let mut side = 0;
        let mut start = 0;
        while start + kernel <= padded {
            side += 1;
            start += stride;
        }
        for _output in 0..out_channels {
            for _input in 0..self.channels / groups {
                let weights = kernel * kernel;
                self.learnt(weights);
                self.cost.macs += u64::from(weights) * u64::from(side) * u64::from(side);
            }
        }
        (self.channels, self.side) = (out_channels, side);
    }

    /// Adds a convolution with batch normalisation.
    fn normalised(&mut self, out_channels: u32, kernel: u32, stride: u32, groups: u32) {
        self.convolution(out_channels, kernel, stride, groups);
        for _channel in 0..out_channels {
            self.cost.params += 2;
            self.cost.batch_norm_params += 2;
            self.cost.folded_params += 1;
        }
    }

    /// Adds a fully connected layer with bias.
    fn biased(&mut self, out_channels: u32) {
        self.convolution(out_channels, 1, 1, 1);
        self.learnt(out_channels);
    }

    fn squeeze(&mut self, squeeze_excite: Option<SqueezeExcite>) {
        let Some(squeeze) = squeeze_excite else { return };
        let (channels, side) = (self.channels, self.side);
        self.side = 1;
        self.biased(squeeze.channels);
        self.biased(channels);
        self.side = side;
    }
}

/// Tensor whose memory a tensor uses: itself, or the operand of its in-place operation.
fn memory(graph: &Graph, tensor: TensorId) -> TensorId {
    let Some(node) = tensor.producer().map(|producer| &graph.nodes[producer]) else {
        return tensor;
    };
    match node.op {
        Op::BatchNorm { .. } | Op::LayerScale { .. } | Op::Activation(_) | Op::Gate(_) => memory(graph, node.inputs.0),
        _ => tensor,
    }
}

/// Largest total size in bytes of the live tensors in a step: tensors computed by its end and read in it, in a later step
/// or by the caller.
pub fn peak_activation_bytes(graph: &Graph) -> u64 {
    let count = graph.nodes.len();
    let memories: Vec<TensorId> = (0..=count)
        .map(|tensor| memory(graph, TensorId(tensor as u32)))
        .collect();
    // The steps that read from or write to each memory.
    let mut users = vec![Vec::new(); count + 1];
    for (step, node) in graph.nodes.iter().enumerate() {
        for operand in node.operands().chain([TensorId(step as u32 + 1)]) {
            users[memories[operand.0 as usize].0 as usize].push(step);
        }
    }
    users[memories[count].0 as usize].push(count);
    let alive = |step: usize| {
        let tensors = (0..=step + 1).filter(|&tensor| users[tensor].iter().any(|&user| user >= step));
        tensors
            .map(|tensor| graph.shape(TensorId(tensor as u32)).elements() * 4)
            .sum()
    };
    (0..count).map(alive).max().unwrap_or(graph.input.elements() * 4)
}
