//! Fashion-MNIST: 70,000 pieces of clothing in 28 x 28 grey pixels (Xiao, Rasul and Vollgraf).

use super::{DataError, DataOptions, Splits, idx_collection::IdxCollection};

const FASHION_MNIST: IdxCollection = IdxCollection {
    name: "fashion-mnist",
    raw: "FashionMNIST/raw",
    // The authors' own address; the checksums are those of their README.
    mirror: "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    train_md5: [
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "25c81989df183df01b3e8a0aad5dffbe",
    ],
    test_md5: [
        "bef4ecab320f06d8554ea6380940ec79",
        "bb300cfdad3c16e7a12a480ee83cd310",
    ],
};

/// Loads Fashion-MNIST, see [`IdxCollection::load`].
///
/// # Errors
///
/// Those of [`IdxCollection::load`].
pub fn load(options: &DataOptions) -> Result<Splits, DataError> {
    FASHION_MNIST.load(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Facts published with the data set, checked where the real files happen to be in the cache.
    #[test]
    fn the_real_files_have_the_published_counts() {
        if !FASHION_MNIST.is_cached() {
            return;
        }
        let splits = load(&DataOptions::default()).unwrap();
        assert_eq!((splits.train.len(), splits.train.features()), (50_000, 784));
        assert_eq!(splits.test.class_counts(), [1000; 10]);
        let train = splits.train.class_counts().into_iter();
        let all = train.zip(splits.validation.class_counts());
        assert!(
            all.map(|(one, other)| one + other)
                .all(|count| count == 6000)
        );
    }
}
