//! What a model is fed with: some images, and what they show.

use burn::tensor::{Int, Tensor};

/// Some images of a set, on a device and without gradient tracking.
///
/// Values are grouped by image: row `k` of each tensor belongs to the `k`-th image of the batch.
#[derive(Clone, Debug)]
pub struct ImageBatch {
    /// Pixel values in `[0, 1]`, of shape `[batch, features]`: channel by channel, row by row.
    pub inputs: Tensor<2>,
    /// One row of zeros per image with a one at its class, of shape `[batch, classes]`.
    pub targets: Tensor<2>,
    /// The class of each image, of shape `[batch]`.
    pub labels: Tensor<1, Int>,
}

impl ImageBatch {
    /// The number of images.
    pub fn size(&self) -> usize {
        self.labels.dims()[0]
    }
}
