//! MNIST: 70,000 handwritten digits of 28 x 28 grey pixels (LeCun, Cortes and Burges).

use super::{DataError, DataOptions, Splits, idx_collection::IdxCollection};

const MNIST: IdxCollection = IdxCollection {
    name: "mnist",
    raw: "MNIST/raw",
    // The mirror that burn downloads from as well.
    mirror: "https://storage.googleapis.com/cvdf-datasets/mnist/",
    train_md5: [
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "d53e105ee54ea40749a09fcbcd1e9432",
    ],
    test_md5: [
        "9fb629c4189551a2d022fa330f9573f3",
        "ec29112dd5afa0611ce80d1b7f02629c",
    ],
};

/// Loads MNIST, see [`IdxCollection::load`].
///
/// # Errors
///
/// Those of [`IdxCollection::load`].
pub fn load(options: &DataOptions) -> Result<Splits, DataError> {
    MNIST.load(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Facts published with the data set, checked where the real files happen to be in the cache.
    #[test]
    fn the_real_files_have_the_published_counts() {
        if !MNIST.is_cached() {
            return;
        }
        let splits = load(&DataOptions::default()).unwrap();
        assert_eq!(splits.train.len(), 50_000);
        assert_eq!(splits.train.features(), 784);
        assert_eq!(splits.train.labels()[..10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
        let counts = splits.train.class_counts();
        let all: Vec<usize> = counts
            .iter()
            .zip(splits.validation.class_counts())
            .map(|(a, b)| a + b)
            .collect();
        assert_eq!(
            all,
            [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
        );
        let test = splits.test.class_counts();
        assert_eq!(
            test,
            [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
        );
    }
}
