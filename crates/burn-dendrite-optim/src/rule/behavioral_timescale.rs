//! Learning by dendritic plateaus, across samples.

use burn_dendrite_nn::{Activation, CellType, numbers::Rows};
use serde::{Deserialize, Serialize};

use super::{LearningRule, RuleSite, Signal};
use crate::{Delta, Side, Slot, Synapse};

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
    /// `e + r·q(e)`, what the weights lose in proportion to themselves.
    fn lost<R: Rows>(&self, eligibility: R) -> R {
        let steepness = 2.0 / self.depression_width;
        let logistic = |x: f64| 1.0 / (1.0 + (-steepness * (x - self.depression_threshold)).exp());
        let (least, most) = (logistic(0.0), logistic(1.0));
        let logistic = (eligibility.clone() - self.depression_threshold) * steepness;
        let share = (logistic.respond(Activation::Sigmoid) - least) / (most - least);
        // Rounding leaves no trace of a silent neuron.
        let depressed = share * eligibility.clone().nonzero();
        eligibility.add_scaled(&depressed, self.depression)
    }

    fn eligibility<R: Rows>(synapse: &Synapse<'_, R>) -> R {
        synapse.pre.nudged().clamp(0.0, 1.0)
    }

    fn instruction<R: Rows>(synapse: &Synapse<'_, R>) -> R {
        synapse.post.plateau().clamp_min(0.0)
    }
}

/// Of each row the sum of the one before it and the one after it, where there are such.
fn neighbours<R: Rows>(rows: R) -> R {
    let [count, size] = rows.dims();
    let none = rows.filled([1, size], 0.0);
    let before = below_none(rows.clone().row_range(0, count - 1));
    let after = R::stacked(vec![rows.row_range(1, count - 1), none]);
    before + after
}

/// The rows below one of zeros.
fn below_none<R: Rows>(rows: R) -> R {
    let [_, size] = rows.dims();
    R::stacked(vec![rows.filled([1, size], 0.0), rows])
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

    fn update<R: Rows>(&self, synapse: &Synapse<'_, R>) -> Delta<R> {
        let (eligibility, instruction) = (Self::eligibility(synapse), Self::instruction(synapse));
        let negative = synapse.post.plateau().clamp_max(0.0);
        let lost_now = self.lost(eligibility.clone());

        // Two samples, one after the other, meet in both directions: each one's eligibility with the other's
        // instruction, discounted. So with s the samples of the batch and the one before it,
        // Δw = Σ_s E_s·(w_max (P_s + d (P_{s−1} + P_{s+1})) + N_s) − w ∘ Σ_s P_s·(l(E_s) + l(d E_{s−1}) + l(d E_{s+1})),
        // where l(e) = e + r q(e), and of the sample before the batch only its meeting with the first one counts.
        let eligibilities = synapse.with_past(ELIGIBILITY, eligibility);
        let instructions = synapse.with_past(INSTRUCTION, instruction.clone());
        let lost_beside = neighbours(self.lost(eligibilities.clone() * self.discount));
        let strengthening = neighbours(instructions.clone()) * (self.discount * self.saturation);
        let own = instruction * self.saturation + negative;
        let strengthened = synapse.outer(eligibilities, strengthening + below_none(own));
        let weakened = synapse.weighted(lost_beside + below_none(lost_now), -instructions);
        strengthened.and(weakened)
    }

    fn remember<R: Rows>(&self, synapse: &Synapse<'_, R>) -> Vec<R> {
        let last = |rows: R| {
            let batch = rows.dims()[0];
            rows.row_range(batch - 1, 1)
        };
        vec![
            last(Self::eligibility(synapse)),
            last(Self::instruction(synapse)),
        ]
    }
}
