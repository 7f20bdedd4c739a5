//! Points on a line.

use std::sync::Arc;

use burn_dendrite::train::data::{DataError, DataOptions, SampleSet, Splits};

/// Points of two classes between 0 and 1, below one half and not: 8 to train on, 2 to validate on and
/// 2 to test on.
///
/// # Errors
///
/// None; data sets share this signature.
pub fn load(_options: &DataOptions) -> Result<Splits, DataError> {
    let points = |count: usize| -> Result<Arc<SampleSet>, DataError> {
        let values: Vec<f32> = (0..count).map(|at| at as f32 / count as f32).collect();
        let labels = values
            .iter()
            .map(|value| u16::from(*value >= 0.5))
            .collect();
        Ok(Arc::new(SampleSet::vectors(values, labels, 1, 2)?))
    };
    Ok(Splits {
        train: points(8)?,
        validation: points(2)?,
        test: points(2)?,
    })
}
