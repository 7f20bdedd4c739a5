//! The same step as plain loops, written for this one network: how far the step in memory is from what a
//! person would write by hand.
//!
//! No vector instructions are asked for by name, nothing is padded, and nothing is general: the
//! published MNIST network (784-500-500-10 with SomaI and DendI), one sample at a time, silent
//! presynaptic units skipped in settling and update alike.

use burn::tensor::Device;
use burn_dendrite::nn::{Network, ProjectionName};
use divan::Bencher;

use crate::subject::Subject;

const STEPS: usize = 15;
const TAU: f32 = 3.0;

/// Weights `[pre, post]`.
struct Weights {
    values: Vec<f32>,
    post: usize,
}

impl Weights {
    fn of(network: &Network, name: &str) -> Self {
        let name: ProjectionName = name.parse().expect("a name");
        let id = network
            .plan()
            .projection_named(&name)
            .expect("of this network");
        let weight = network.weight(id);
        Self {
            post: weight.dims()[1],
            values: weight.into_data().iter().collect(),
        }
    }

    fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.post)
    }

    fn drive(&self, sum: &mut [f32], activity: &[f32]) {
        for (row, &activity) in self.rows().zip(activity) {
            if activity != 0.0 {
                for (sum, weight) in sum.iter_mut().zip(row) {
                    *sum += activity * weight;
                }
            }
        }
    }

    fn drive_back(&self, sum: &mut [f32], activity: &[f32], scale: f32) {
        for (row, sum) in self.rows().zip(sum) {
            let mut partial = [0.0f32; 8];
            let (rows, rest) = row.as_chunks::<8>();
            let (activities, other) = activity.as_chunks::<8>();
            for (row, activity) in rows.iter().zip(activities) {
                for ((partial, weight), activity) in partial.iter_mut().zip(row).zip(activity) {
                    *partial += weight * activity;
                }
            }
            let rest: f32 = rest.iter().zip(other).map(|(weight, it)| weight * it).sum();
            *sum += scale * (partial.iter().sum::<f32>() + rest);
        }
    }

    /// `w ← max(w + x·y, 0)` (or `min` for inhibitory cells).
    fn learn(&mut self, pre: impl Iterator<Item = f32>, post: &[f32], sign: f32) {
        for (row, pre) in self.values.chunks_exact_mut(self.post).zip(pre) {
            if pre == 0.0 {
                continue;
            }
            if sign > 0.0 {
                for (weight, post) in row.iter_mut().zip(post) {
                    *weight = (*weight + pre * post).max(0.0);
                }
            } else {
                for (weight, post) in row.iter_mut().zip(post) {
                    *weight = (*weight + pre * post).min(0.0);
                }
            }
        }
    }

    fn normalize(&mut self, total: f32, sums: &mut Vec<f32>) {
        sums.clear();
        sums.resize(self.post, 0.0);
        for row in self.values.chunks_exact(self.post) {
            for (sum, weight) in sums.iter_mut().zip(row) {
                *sum += weight.abs();
            }
        }
        for row in self.values.chunks_exact_mut(self.post) {
            for (weight, sum) in row.iter_mut().zip(sums.iter()) {
                *weight = if *sum > 0.0 {
                    *weight / sum * total
                } else {
                    *weight
                };
            }
        }
    }
}

#[derive(Default)]
struct Cells {
    soma: Vec<f32>,
    now: Vec<f32>,
    before: Vec<f32>,
    constant: Vec<f32>,
    drive: Vec<f32>,
}

impl Cells {
    fn new(size: usize) -> Self {
        let zeros = || vec![0.0; size];
        Self {
            soma: zeros(),
            now: zeros(),
            before: zeros(),
            constant: zeros(),
            drive: zeros(),
        }
    }

    fn rest(&mut self) {
        for values in [
            &mut self.soma,
            &mut self.now,
            &mut self.before,
            &mut self.constant,
        ] {
            values.fill(0.0);
        }
    }

    fn integrate(&mut self) {
        let cells = self.soma.iter_mut().zip(&mut self.now).zip(&self.drive);
        for ((soma, now), drive) in cells {
            *soma += (drive - *soma) / TAU;
            *now = soma.max(0.0);
        }
    }
}

/// A hidden layer: E, SomaI and DendI, and the weights onto them.
struct Layer {
    e: Cells,
    soma_i: Cells,
    dend_i: Cells,
    e_from_below: Weights,
    soma_i_from_below: Weights,
    e_from_soma_i: Weights,
    soma_i_from_e: Weights,
    soma_i_from_soma_i: Weights,
    dend_i_from_e: Weights,
    dend_i_from_dend_i: Weights,
    dendrite_from_dend_i: Weights,
    dendrite: Vec<f32>,
    plateau: Vec<f32>,
    nudged: Vec<f32>,
    totals: [f32; 2],
    feedback: f32,
}

struct HandLoop {
    input: Vec<f32>,
    layers: [Layer; 2],
    output: Cells,
    output_soma_i: Cells,
    output_from_below: Weights,
    output_soma_i_from_below: Weights,
    output_from_soma_i: Weights,
    soma_i_from_output: Weights,
    soma_i_from_soma_i: Weights,
    sums: Vec<f32>,
    scratch: Vec<f32>,
}

impl HandLoop {
    fn new(network: &Network) -> Self {
        let of = |name: String| Weights::of(network, &name);
        let layer = |name: &str, below: &str, totals: [f32; 2], feedback: f32| Layer {
            e: Cells::new(500),
            soma_i: Cells::new(50),
            dend_i: Cells::new(50),
            e_from_below: of(format!("{name}.E<-{below}.E")),
            soma_i_from_below: of(format!("{name}.SomaI<-{below}.E")),
            e_from_soma_i: of(format!("{name}.E<-{name}.SomaI")),
            soma_i_from_e: of(format!("{name}.SomaI<-{name}.E")),
            soma_i_from_soma_i: of(format!("{name}.SomaI<-{name}.SomaI")),
            dend_i_from_e: of(format!("{name}.DendI<-{name}.E")),
            dend_i_from_dend_i: of(format!("{name}.DendI<-{name}.DendI")),
            dendrite_from_dend_i: of(format!("{name}.E<-{name}.DendI")),
            dendrite: vec![0.0; 500],
            plateau: vec![0.0; 500],
            nudged: vec![0.0; 500],
            totals,
            feedback,
        };
        let output = |name: &str| of(name.to_owned());
        Self {
            input: vec![0.0; 784],
            layers: [
                layer("H1", "Input", [15.873_588, 4.942_374], 0.498_267_46),
                layer("H2", "H1", [11.731_31, 4.382_855], 3.550_305_7),
            ],
            output: Cells::new(10),
            output_soma_i: Cells::new(10),
            output_from_below: output("Output.E<-H2.E"),
            output_soma_i_from_below: output("Output.SomaI<-H2.E"),
            output_from_soma_i: output("Output.E<-Output.SomaI"),
            soma_i_from_output: output("Output.SomaI<-Output.E"),
            soma_i_from_soma_i: output("Output.SomaI<-Output.SomaI"),
            sums: Vec::new(),
            scratch: Vec::new(),
        }
    }

    fn step(&mut self, input: &[f32], target: &[f32]) {
        self.input.copy_from_slice(input);
        self.settle();
        self.nudge(target);
        self.learn();
    }

    /// It does what the step in memory does.
    fn check(&mut self, subject: &Subject) {
        let mut trainer = subject.trainer();
        for at in 0..5 {
            let (input, target) = subject.rows(at, 1);
            self.step(&input, &target);
            trainer.step(&input, &target, 1.0);
        }
        let network = trainer.network(subject.network.clone());
        let learned = [
            ("H1.E<-Input.E", &self.layers[0].e_from_below),
            ("H2.E<-H1.E", &self.layers[1].e_from_below),
            ("H1.DendI<-H1.DendI", &self.layers[0].dend_i_from_dend_i),
            ("H2.E<-H2.DendI", &self.layers[1].dendrite_from_dend_i),
            ("Output.E<-H2.E", &self.output_from_below),
        ];
        for (name, ours) in learned {
            let theirs = Weights::of(&network, name).values;
            let differs = |(one, other): (&f32, &f32)| (one - other).abs() > 1e-4;
            assert!(!ours.values.iter().zip(&theirs).any(differs), "{name}");
        }
    }

    fn settle(&mut self) {
        for layer in &mut self.layers {
            for cells in [&mut layer.e, &mut layer.soma_i, &mut layer.dend_i] {
                cells.rest();
            }
        }
        self.output.rest();
        self.output_soma_i.rest();
        let [first, second] = &mut self.layers;
        first.e_from_below.drive(&mut first.e.constant, &self.input);
        first
            .soma_i_from_below
            .drive(&mut first.soma_i.constant, &self.input);
        for _ in 0..STEPS {
            for layer in [&mut *first, &mut *second] {
                for cells in [&mut layer.e, &mut layer.soma_i, &mut layer.dend_i] {
                    std::mem::swap(&mut cells.now, &mut cells.before);
                    cells.drive.copy_from_slice(&cells.constant);
                }
            }
            for cells in [&mut self.output, &mut self.output_soma_i] {
                std::mem::swap(&mut cells.now, &mut cells.before);
                cells.drive.fill(0.0);
            }
            first.settle(None);
            second.settle(Some(&first.e.now));
            let (output, soma_i) = (&mut self.output, &mut self.output_soma_i);
            self.output_from_below
                .drive(&mut output.drive, &second.e.now);
            self.output_from_soma_i
                .drive(&mut output.drive, &soma_i.before);
            output.integrate();
            self.output_soma_i_from_below
                .drive(&mut soma_i.drive, &second.e.now);
            self.soma_i_from_output
                .drive(&mut soma_i.drive, &output.before);
            self.soma_i_from_soma_i
                .drive(&mut soma_i.drive, &soma_i.before);
            soma_i.integrate();
        }
    }

    fn nudge(&mut self, target: &[f32]) {
        let Self {
            layers: [first, second],
            output,
            ..
        } = self;
        first.dendrites(&second.e_from_below, &second.e.now);
        second.dendrites(&self.output_from_below, &output.now);
        // The output moves first, then each layer hears the one above.
        for ((soma, now), target) in output.soma.iter_mut().zip(&mut output.now).zip(target) {
            let silent = *now == 0.0;
            let error = if silent {
                0.0
            } else {
                (target - *now).clamp(-1.0, 1.0)
            };
            self.sums.push(error);
            *now = (*soma + error).max(0.0);
        }
        second.decide(&self.output_from_below, &output.now);
        first.decide(&second.e_from_below, &second.nudged);
    }

    fn learn(&mut self) {
        const RATES: [f32; 4] = [0.014_965_181, 0.099_874_46, 0.019_254_904, 0.015_159_232];
        let [target, loss, dend_i_e, dend_i_dend_i] = RATES;
        let Self {
            layers: [first, second],
            sums,
            scratch,
            ..
        } = self;
        let rate = |activity: &f32| activity.clamp(0.0, 1.0);
        let error: Vec<f32> = sums.drain(..).map(|error| error * 0.025_823_6).collect();
        self.output_from_below
            .learn(second.e.now.iter().map(rate), &error, 1.0);
        let scaled = |from: &[f32], by: f32, to: &mut Vec<f32>| {
            to.clear();
            to.extend(from.iter().map(|value| value * by));
        };
        scaled(&second.plateau, target, scratch);
        second
            .e_from_below
            .learn(first.e.now.iter().map(rate), scratch, 1.0);
        scaled(&first.plateau, target, scratch);
        first
            .e_from_below
            .learn(self.input.iter().map(rate), scratch, 1.0);
        for layer in [first, second] {
            scratch.clear();
            scratch.extend(
                layer
                    .dendrite
                    .iter()
                    .map(|state| -loss * state.clamp(-1.0, 1.0)),
            );
            let pre = layer.dend_i.before.iter().map(rate);
            layer.dendrite_from_dend_i.learn(pre, scratch, -1.0);
            scaled(&layer.dend_i.now, dend_i_e, scratch);
            layer
                .dend_i_from_e
                .learn(layer.e.before.iter().copied(), scratch, 1.0);
            layer.dend_i_from_e.normalize(layer.totals[0], sums);
            scaled(&layer.dend_i.now, -dend_i_dend_i, scratch);
            layer
                .dend_i_from_dend_i
                .learn(layer.dend_i.before.iter().copied(), scratch, -1.0);
            for unit in 0..50 {
                layer.dend_i_from_dend_i.values[unit * 51] = 0.0;
            }
            layer.dend_i_from_dend_i.normalize(layer.totals[1], sums);
            sums.clear();
        }
    }
}

impl Layer {
    fn settle(&mut self, below: Option<&[f32]>) {
        let Self {
            e, soma_i, dend_i, ..
        } = self;
        if let Some(below) = below {
            self.e_from_below.drive(&mut e.drive, below);
            self.soma_i_from_below.drive(&mut soma_i.drive, below);
        }
        self.e_from_soma_i.drive(&mut e.drive, &soma_i.before);
        e.integrate();
        self.soma_i_from_e.drive(&mut soma_i.drive, &e.before);
        self.soma_i_from_soma_i
            .drive(&mut soma_i.drive, &soma_i.before);
        soma_i.integrate();
        self.dend_i_from_e.drive(&mut dend_i.drive, &e.before);
        self.dend_i_from_dend_i
            .drive(&mut dend_i.drive, &dend_i.before);
        dend_i.integrate();
    }

    /// Dendritic state where the forward phase ends.
    fn dendrites(&mut self, above: &Weights, activity: &[f32]) {
        self.dendrite.fill(0.0);
        self.dendrite_from_dend_i
            .drive(&mut self.dendrite, &self.dend_i.before);
        above.drive_back(&mut self.dendrite, activity, self.feedback);
    }

    /// The plateau, and where it moves the soma; learning reads the activity before that.
    fn decide(&mut self, above: &Weights, activity: &[f32]) {
        self.plateau.fill(0.0);
        self.dendrite_from_dend_i
            .drive(&mut self.plateau, &self.dend_i.before);
        above.drive_back(&mut self.plateau, activity, self.feedback);
        let cells = self.plateau.iter_mut().zip(&self.e.soma).zip(&self.e.now);
        for (nudged, ((plateau, soma), now)) in self.nudged.iter_mut().zip(cells) {
            *plateau = if *now == 0.0 {
                0.0
            } else {
                plateau.clamp(-1.0, 1.0)
            };
            *nudged = (soma + *plateau).max(0.0);
        }
    }
}

#[divan::bench]
fn hand_loop_mnist_dtp_1(bencher: Bencher<'_, '_>) {
    let subject = Subject::new("mnist-dtp", &Device::flex());
    let mut hand_loop = HandLoop::new(&subject.network);
    hand_loop.check(&subject);
    let mut at = 0;
    bencher
        .counter(divan::counter::ItemsCount::new(1usize))
        .with_inputs(|| {
            at += 1;
            subject.rows(at, 1)
        })
        .bench_local_values(|(input, target)| hand_loop.step(&input, &target));
}
