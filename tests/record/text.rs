//! Probes as text.

use burn_dendrite::{
    nn::{PopulationName, ProjectionName},
    train::record::{Probe, ProbeTarget, Signal},
};
use proptest::prelude::*;

fn population() -> impl Strategy<Value = PopulationName> {
    "[A-Za-z0-9_-]{1,6}[.][A-Za-z0-9_-]{1,6}".prop_map(|name| name.parse().unwrap())
}

fn probe() -> impl Strategy<Value = Probe> {
    let signals = [
        Signal::Soma,
        Signal::Activity,
        Signal::Dendrite,
        Signal::NudgedActivity,
        Signal::NudgedDendrite,
        Signal::Plateau,
        Signal::Bias,
    ];
    let of_cells = (population(), proptest::sample::select(signals.to_vec()))
        .prop_map(|(name, signal)| (ProbeTarget::Population(name), signal));
    let of_synapses = (population(), population()).prop_map(|(post, pre)| {
        let name = ProjectionName { post, pre };
        (ProbeTarget::Projection(name), Signal::Weight)
    });
    let last = proptest::option::of(1..=usize::MAX);
    (prop_oneof![of_cells, of_synapses], 1..=usize::MAX, last).prop_map(
        |((target, signal), every, last)| Probe {
            target,
            signal,
            every,
            last,
        },
    )
}

proptest! {
    #[test]
    fn every_probe_is_read_as_it_is_written(probe in probe()) {
        let text = probe.to_string();
        prop_assert_eq!(text.parse::<Probe>(), Ok(probe), "{}", text);
    }

    #[test]
    fn no_text_is_too_strange(text in "[-HE12.:< a-z0-9]{0,40}|\\PC{0,40}") {
        if let Ok(probe) = text.parse::<Probe>() {
            let written = probe.to_string();
            prop_assert_eq!(written.parse(), Ok(probe));
        }
    }
}
