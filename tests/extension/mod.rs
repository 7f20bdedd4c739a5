//! One file and one line for something new: here, a constraint of its own beside this one.

use burn::tensor::{Device, Tensor};
use burn_dendrite::nn::{
    CellType,
    constraint::{Constraint, ConstraintSite, Recurrence},
    registry,
};

registry! {
    /// The constraints of this list, made by the macro that makes the library's.
    pub enum Extension: Constraint {
        pruning::Pruning,
    }
}

#[test]
fn a_constraint_is_one_file_and_one_line() {
    let text = "kind = \"pruning\"\nthreshold = 0.1\n";
    let constraint: Extension = toml::from_str(text).unwrap();
    assert_eq!(
        (constraint.kind(), Extension::KINDS),
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
    let pruned: Vec<f32> = constraint.project(weight).into_data().iter().collect();
    assert_eq!(pruned, [0.0, -0.3, 0.2]);
    // Keys that the file does not have are refused, as everywhere.
    assert!(toml::from_str::<Extension>("kind = \"pruning\"\nthreshhold = 0.1\n").is_err());
}
