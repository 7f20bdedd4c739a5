//! Learning by dendritic plateaus, across samples.

use burn::tensor::{Tensor, activation::sigmoid};
use burn_dendrite_nn::CellType;
use serde::{Deserialize, Serialize};

use super::{LearningRule, RuleSite, Signal};
use crate::{
    Delta, Side, Slot, Synapse,
    fused::{FactoredRule, Factors, Sample, Samples},
};

/// Behavioral timescale synaptic plasticity (BTSP): a plateau strengthens the synapses that were
/// active around it, and weakens strong synapses that were hardly active, also those of the sample
/// before.
///
/// ```text
/// f(p, e) = p_j · ( (w_max − w_ij) · e_i − r · w_ij · q(e_i) )
/// Δw_ij   = f(P, E) + f(P, d·E°) + f(P°, d·E) + N_j · E_i      averaged over the batch
/// q(x)    = ( g(x) − g(0) ) / ( g(1) − g(0) ),   g(x) = 1 / (1 + exp(−2 (x − x_th) / x_width))
/// ```
///
/// `E` is the eligibility of a synapse, its presynaptic rate at the end of the backward phase
/// clamped to [0, 1]; `P` and `N` are the positive and the negative part of the plateau, the
/// instructive signal. `E°` and `P°` are those of the sample before, 0 at the start, discounted by
/// `d`.
///
/// Memory: `E°` for each presynaptic and `P°` for each postsynaptic neuron. In a batch the sample
/// before is the row before.
///
/// Ports `BTSP_19` of EIANN (Galloni et al. 2025); the rule is that of Milstein et al.,
/// *Bidirectional synaptic plasticity rapidly modifies hippocampal representations* (2021).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BehavioralTimescale {
    /// `w_max`, the weight at which strengthening ends. It is the rule's own: a cap on the weights
    /// is a constraint.
    pub saturation: f64,
    /// `r`, the size of weakening relative to strengthening.
    pub depression: f64,
    /// `x_th`, the eligibility at which weakening is half of its range.
    pub depression_threshold: f64,
    /// `x_width`, the range of eligibility over which weakening sets in.
    pub depression_width: f64,
    /// `d`, what is left of a signal after one sample, in [0, 1].
    pub discount: f64,
}

impl Default for BehavioralTimescale {
    fn default() -> Self {
        Self {
            saturation: 2.0,
            depression: 1.0,
            depression_threshold: 0.01,
            depression_width: 0.01,
            discount: 0.25,
        }
    }
}

const ELIGIBILITY: usize = 0;
const INSTRUCTION: usize = 1;

impl BehavioralTimescale {
    /// `q`, from 0 at no eligibility to 1 at full eligibility.
    fn depressed(&self, eligibility: Tensor<2>) -> Tensor<2> {
        let steepness = 2.0 / self.depression_width;
        let logistic = |x: f64| 1.0 / (1.0 + (-steepness * (x - self.depression_threshold)).exp());
        let (least, most) = (logistic(0.0), logistic(1.0));
        let logistic = sigmoid((eligibility - self.depression_threshold) * steepness);
        (logistic - least) / (most - least)
    }

    /// `r · q` of one eligibility.
    fn depressed_rate(&self, eligibility: f32) -> f32 {
        let steepness = 2.0 / self.depression_width;
        let logistic = |x: f64| 1.0 / (1.0 + (-steepness * (x - self.depression_threshold)).exp());
        let (least, most) = (logistic(0.0), logistic(1.0));
        let share = (logistic(f64::from(eligibility)) - least) / (most - least);
        (self.depression * share) as f32
    }

    fn eligibility(synapse: &Synapse<'_>) -> Tensor<2> {
        synapse.pre.nudged().clamp(0.0, 1.0)
    }

    fn instruction(synapse: &Synapse<'_>) -> Tensor<2> {
        synapse.post.plateau().clamp_min(0.0)
    }
}

impl LearningRule for BehavioralTimescale {
    fn check(&self, site: &RuleSite) -> Result<(), String> {
        let positive = [
            ("saturation", self.saturation),
            ("depression_width", self.depression_width),
        ];
        for (key, value) in positive {
            if !(value.is_finite() && value > 0.0) {
                return Err(format!("`{key}` is {value}; accepted: more than 0"));
            }
        }
        let ratio = self.depression;
        if !(ratio.is_finite() && ratio >= 0.0) {
            return Err(format!("`depression` is {ratio}; accepted: 0 or more"));
        }
        let shares = [
            ("depression_threshold", self.depression_threshold),
            ("discount", self.discount),
        ];
        for (key, value) in shares {
            if !(0.0..=1.0).contains(&value) {
                return Err(format!("`{key}` is {value}; accepted: 0 to 1"));
            }
        }
        match site.pre {
            Some(CellType::Inhibitory) => Err("`behavioral_timescale` needs weights from 0 up to \
                                               `saturation`, and the presynaptic cells are \
                                               inhibitory"
                .to_owned()),
            _ => Ok(()),
        }
    }

    fn needs(&self) -> &'static [Signal] {
        &[Signal::Plateau]
    }

    fn memory(&self) -> Vec<Slot> {
        vec![
            Slot {
                name: "eligibility",
                side: Side::Presynaptic,
                start: 0.0,
            },
            Slot {
                name: "instruction",
                side: Side::Postsynaptic,
                start: 0.0,
            },
        ]
    }

    fn update(&self, synapse: &Synapse<'_>) -> Delta {
        let (eligibility, instruction) = (Self::eligibility(synapse), Self::instruction(synapse));
        let negative = synapse.post.plateau().clamp_max(0.0);
        let past_eligibility = synapse.past(ELIGIBILITY, &eligibility) * self.discount;
        let past_instruction = synapse.past(INSTRUCTION, &instruction);
        let discounted = eligibility.clone() * self.discount;

        // With e the eligibility and p the instruction of each pair,
        // Δw = Σ w_max p·e + N·E − w ∘ Σ p·(e + r q(e)): the weight itself enters but once.
        let pairs = [
            (eligibility.clone(), instruction.clone()),
            (past_eligibility, instruction),
            (discounted, past_instruction),
        ];
        let weakening = pairs.clone().map(|(eligibility, instruction)| {
            let depressed = self.depressed(eligibility.clone()) * self.depression;
            (eligibility + depressed, instruction)
        });
        let [now, after, before] =
            pairs.map(|(eligibility, instruction)| (eligibility, instruction * self.saturation));
        let strengthening = [(now.0, now.1 + negative), after, before];
        let change = synapse.outers(strengthening).into_dense()
            - synapse.outers(weakening).into_dense() * synapse.weight();
        change.into()
    }

    fn remember(&self, synapse: &Synapse<'_>) -> Vec<Tensor<2>> {
        let last = |rows: Tensor<2>| {
            let batch = rows.dims()[0];
            rows.narrow(0, batch - 1, 1)
        };
        vec![
            last(Self::eligibility(synapse)),
            last(Self::instruction(synapse)),
        ]
    }

    fn factored(&self) -> Option<&dyn FactoredRule> {
        Some(self)
    }
}

impl FactoredRule for BehavioralTimescale {
    fn factors(&self, samples: Samples<'_>, memory: &mut [Vec<f32>], factors: &mut Factors) {
        for Sample { pre, post } in samples.iter() {
            let saturation = self.saturation as f32;
            let discount = self.discount as f32;
            let eligibility: Vec<f32> =
                pre.nudged.iter().map(|rate| rate.clamp(0.0, 1.0)).collect();
            let instruction: Vec<f32> = post.plateau.iter().map(|it| it.max(0.0)).collect();
            let [past_eligibility, past_instruction] = [&memory[ELIGIBILITY], &memory[INSTRUCTION]];
            let discounted = |values: &[f32]| -> Vec<f32> {
                values.iter().map(|value| value * discount).collect()
            };
            let after = discounted(past_eligibility);
            let before = discounted(&eligibility);
            // Pairs of eligibility and instruction; the first also carries the negative plateau.
            for (eligibility, instruction) in [
                (&eligibility, &instruction),
                (&after, &instruction),
                (&before, past_instruction),
            ] {
                let strengthening = instruction.iter().map(|it| it * saturation);
                factors.add(eligibility.iter().copied(), strengthening);
                let weakening = eligibility.iter().map(|it| it + self.depressed_rate(*it));
                factors.add_weighted(weakening, instruction.iter().map(|it| -it));
            }
            let negative = post.plateau.iter().map(|it| it.min(0.0));
            factors.add(eligibility.iter().copied(), negative);
            memory[ELIGIBILITY] = eligibility;
            memory[INSTRUCTION] = instruction;
        }
    }
}
