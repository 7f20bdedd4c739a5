//! One file and one line for something new: a constraint, a rule and a data set of its own, each in
//! a file beside this one, in lists made by the macros that make the library's.

use burn::tensor::{Device, Tensor};
use burn_dendrite::{
    nn::{
        CellType, NetworkSpec,
        constraint::{AnyConstraint, ConstraintSite, Recurrence},
        registry,
    },
    optim::{AnyRule, LearningSpec, Target},
    train::{
        data::{DataOptions, Source},
        data_sets,
    },
};

registry! {
    /// The constraints of this list.
    pub enum OwnConstraint: AnyConstraint {
        pruning::Pruning,
    }
}

registry! {
    /// The rules of this list.
    pub enum OwnRule: AnyRule {
        decay::Decay,
    }
}

data_sets! {
    /// The data sets of this list.
    pub enum OwnDataset {
        /// Points on a line.
        line::Line = "line", Built;
    }
}

#[test]
fn a_constraint_is_one_file_and_one_line() {
    let text = "kind = \"pruning\"\nthreshold = 0.1\n";
    let constraint: OwnConstraint = toml::from_str(text).unwrap();
    assert_eq!(
        (constraint.kind(), OwnConstraint::KINDS),
        ("pruning", &["pruning"][..])
    );
    let site = ConstraintSite {
        pre: 1,
        post: 3,
        recurrence: Recurrence::Between,
        cell: CellType::Unconstrained,
    };
    assert_eq!(constraint.check(&site), Ok(()));
    let weight = Tensor::<2>::from_floats([[0.05, -0.3, 0.2]], &Device::flex());
    let pruned: Vec<f32> = constraint
        .project_tensor(weight)
        .into_data()
        .iter()
        .collect();
    assert_eq!(pruned, [0.0, -0.3, 0.2]);
    // Keys that the file does not have are refused, as everywhere.
    assert!(toml::from_str::<OwnConstraint>("kind = \"pruning\"\nthreshhold = 0.1\n").is_err());
}

#[test]
fn a_rule_is_one_file_and_one_line() {
    let rule: OwnRule = toml::from_str("kind = \"decay\"\nshare = 0.25\n").unwrap();
    assert_eq!((rule.kind(), OwnRule::KINDS), ("decay", &["decay"][..]));
    assert!(toml::from_str::<OwnRule>("kind = \"decay\"\nshares = 0.25\n").is_err());

    let OwnRule::Decay(rule) = rule else {
        panic!("the kind of this list")
    };

    let network: NetworkSpec = toml::from_str(
        r#"
        tau = 1.0
        steps = 1
        population = [
            { name = "Input.E", size = 1, cell = "excitatory" },
            { name = "Output.E", size = 1, cell = "excitatory" },
        ]
        projection = [{ name = "Output.E<-Input.E", weight = { kind = "constant", value = 0.5 } }]
        "#,
    )
    .unwrap();
    let device = Device::flex();
    let network = network.init(0, &device).unwrap();
    let target: Target = "Output.E<-Input.E".parse().unwrap();
    let learning = LearningSpec::default()
        .check(network.plan())
        .unwrap()
        .with_rule(network.plan(), &target, 0.5, rule)
        .unwrap();
    let shown = Tensor::<2>::ones([1, 1], &device);
    let memory = learning.memory(&network);
    let outcome = learning.run(&network, &memory, shown.clone(), shown, &mut ());
    let network = outcome.apply(network, &memory);
    // 0.5 · (1 − 0.5 · 0.25)
    let weight = network.weight(burn_dendrite::nn::ProjectionId(0));
    assert_eq!(weight.into_scalar::<f32>(), 0.4375);
}

#[test]
fn a_data_set_is_one_file_and_one_line() {
    let name: OwnDataset = "line".parse().unwrap();
    assert_eq!(
        (name.to_string(), name.source()),
        ("line".to_owned(), Source::Built)
    );
    let splits = name.load(&DataOptions::default()).unwrap();
    assert_eq!((splits.train.len(), splits.test.len()), (8, 2));
    assert_eq!(splits.train.labels(), [0, 0, 0, 0, 1, 1, 1, 1]);
    let error = "lime".parse::<OwnDataset>().unwrap_err().to_string();
    assert!(error.contains("did you mean \"line\"?"), "{error}");
}
