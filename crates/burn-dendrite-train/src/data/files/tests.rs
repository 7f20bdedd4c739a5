//! Data sets as their authors publish them, made small.

use std::fs;
use std::path::Path;

use image::{DynamicImage, GrayImage, ImageBuffer, Luma, Rgb, RgbImage, Rgba, RgbaImage};
use tempfile::TempDir;

use super::super::idx::tests::{compress, encode};
use super::super::{Dataset, Encoding, Loaded};
use super::npy;
use super::*;

fn load_from(path: &Path, text: &str) -> Result<Loaded, String> {
    let spec: DataSpec = toml::from_str(text).unwrap();
    (Dataset::from(path).load(&spec, &Default::default())).map_err(|error| error.to_string())
}

fn lengths(loaded: &Loaded) -> [usize; 3] {
    let splits = &loaded.splits;
    [&splits.train, &splits.validation, &splits.test].map(|set| set.len())
}

/// What the refusal of a path says.
fn refusal(path: &Path, text: &str) -> String {
    load_from(path, text).expect_err("a refusal")
}

/// The numbers of a header of 4 bytes each, and values of 4 bytes each, big-endian.
fn words(values: &[i32]) -> Vec<u8> {
    values.iter().flat_map(|it| it.to_be_bytes()).collect()
}

/// The four parts of EMNIST Balanced, and a file of another of its data sets: 47 classes, images
/// turned over.
fn emnist() -> TempDir {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, bytes: Vec<u8>| {
        fs::write(folder.path().join(format!("{name}.gz")), compress(&bytes)).unwrap();
    };
    for (part, count) in [("train", 47 * 4), ("test", 47)] {
        // The second pixel of the first column is the label, as it is stored by columns.
        let images = (0..count).flat_map(|index| [0, (index % 47) as u8, 0, 0, 0, 0]);
        let images: Vec<u8> = images.collect();
        let labels: Vec<u8> = (0..count).map(|index| (index % 47) as u8).collect();
        let name = |what: &str| format!("emnist-balanced-{part}-{what}");
        write(
            &name("images-idx3-ubyte"),
            encode(0x803, &[count as u32, 2, 3], &images),
        );
        write(
            &name("labels-idx1-ubyte"),
            encode(0x801, &[count as u32], &labels),
        );
    }
    fs::write(folder.path().join("emnist-balanced-mapping.txt"), "0 48").unwrap();
    folder
}

#[test]
fn emnist_has_47_classes_and_is_transposed_on_request() {
    let folder = emnist();
    let loaded = load_from(folder.path(), "transpose = true").unwrap();
    let train = &loaded.splits.train;
    assert_eq!((train.classes(), lengths(&loaded)), (47, [141, 47, 47]));
    assert_eq!(train.shape().unwrap().to_string(), "1x3x2");
    for index in 0..train.len() {
        let label = train.label(index) as u8;
        assert_eq!(train.pixels(index).unwrap(), [0, 0, label, 0, 0, 0]);
    }
    assert_eq!(
        loaded.notes,
        ["data: 141 training, 47 validation and 47 test samples of 47 classes, images of 1x3x2"]
    );
    let as_stored = load_from(folder.path(), "").unwrap().splits.test;
    assert_eq!(as_stored.shape().unwrap().to_string(), "1x2x3");
}

#[test]
fn a_folder_of_several_data_sets_is_narrowed_by_the_beginning_of_names() {
    let folder = emnist();
    // EMNIST Letters: labels from 1 on.
    for (part, labels) in [("train", [1, 2, 1, 2, 1, 2]), ("test", [2, 1, 2, 1, 2, 1])] {
        let name = |what: &str| {
            folder
                .path()
                .join(format!("emnist-letters-{part}-{what}-ubyte"))
        };
        fs::write(name("images-idx3"), encode(0x803, &[6, 1, 1], &labels)).unwrap();
        fs::write(name("labels-idx1"), encode(0x801, &[6], &labels)).unwrap();
    }
    let message = refusal(folder.path(), "");
    for name in ["emnist-balanced", "emnist-letters"] {
        let path = folder.path().join(name).display().to_string();
        assert!(
            message.contains(&format!("`{path}`")),
            "{message} names {path}"
        );
    }
    let loaded = load_from(&folder.path().join("emnist-letters"), "").unwrap();
    assert_eq!(loaded.classes.as_deref().unwrap(), ["1", "2"]);
    let test = &loaded.splits.test;
    assert_eq!(test.labels(), [1, 0, 1, 0, 1, 0]);
    assert_eq!(
        (test.class_name(1), test.pixels(0).unwrap()[0]),
        ("2".to_owned(), 2)
    );
}

#[test]
fn labels_of_qmnist_are_the_first_of_eight_words() {
    let folder = TempDir::new().unwrap();
    for (part, count) in [("train", 20_u32), ("test", 4)] {
        let name = |what: &str| folder.path().join(format!("qmnist-{part}-{what}.gz"));
        let images: Vec<u8> = (0..count).map(|index| (index % 10) as u8).collect();
        fs::write(
            name("images-idx3-ubyte"),
            compress(&encode(0x803, &[count, 1, 1], &images)),
        )
        .unwrap();
        // Class, series, writer and five more.
        let rows = (0..count as i32).flat_map(|index| [index % 10, 4, 3000, index, 7, 9, 0, 0]);
        let rows: Vec<i32> = rows.collect();
        fs::write(
            name("labels-idx2-int"),
            compress(&encode(0xc02, &[count, 8], &words(&rows))),
        )
        .unwrap();
    }
    let loaded = load_from(folder.path(), "").unwrap();
    let test = &loaded.splits.test;
    assert_eq!((test.classes(), test.labels()), (10, &[0, 1, 2, 3][..]));
    assert_eq!(lengths(&loaded), [10, 10, 4]);
    for index in 0..loaded.splits.train.len() {
        let train = &loaded.splits.train;
        assert_eq!(
            u16::from(train.pixels(index).unwrap()[0]),
            train.label(index)
        );
    }
}

#[test]
fn idx_files_that_cannot_be_paired_or_read_are_named() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("train-images"), encode(0x803, &[2, 1, 1], &[1, 2])).unwrap();
    let message = refusal(folder.path(), "");
    assert!(
        message.contains("train-images") && message.contains("no file"),
        "{message}"
    );
    fs::write(path("train-labels"), encode(0x801, &[3], &[1, 2, 3])).unwrap();
    assert!(refusal(folder.path(), "").contains("2 images but"));
    for (bytes, expected) in [
        (encode(0x801, &[2], &[1]), "ends at byte 9"),
        (encode(0x801, &[2], &[1, 2, 3]), "goes on after byte 10"),
        (encode(0x801, &[0], &[]), "is 0"),
        (encode(0xd01, &[2], &[0; 8]), "no whole numbers"),
        (encode(0xe04, &[u32::MAX; 4], &[]), "more than the"),
    ] {
        fs::write(path("train-labels"), bytes).unwrap();
        let message = refusal(folder.path(), "");
        assert!(
            message.contains(expected) && message.contains("train-labels"),
            "{message}"
        );
    }
    let message = refusal(&path("train-images"), "");
    assert!(message.contains("both are needed"), "{message}");
}

#[test]
fn a_kaggle_folder_whose_test_table_has_no_labels_is_divided() {
    let folder = TempDir::new().unwrap();
    let pixels = |count: usize| (0..count).map(|it| format!("pixel{it}"));
    let header: Vec<String> = pixels(4).collect();
    let mut train = format!("label,{}\n", header.join(","));
    let mut test = format!("{}\n", header.join(","));
    for index in 0..40 {
        train.push_str(&format!("{},0,{index},255,0\n", index % 4));
        test.push_str(&format!("0,{index},255,0\n"));
    }
    fs::write(folder.path().join("train.csv"), train).unwrap();
    fs::write(folder.path().join("test.csv"), test).unwrap();
    fs::write(
        folder.path().join("sample_submission.csv"),
        "ImageId,Label\n1,0\n",
    )
    .unwrap();
    let loaded = load_from(folder.path(), "").unwrap();
    assert_eq!(lengths(&loaded), [24, 8, 8]);
    assert!(
        loaded.notes[1].contains("test.csv has no column of labels"),
        "{:?}",
        loaded.notes
    );
    assert!(loaded.notes[2].contains("sample_submission.csv`"));
    let train = &loaded.splits.train;
    for index in 0..train.len() {
        let pixels = train.pixels(index).unwrap();
        assert_eq!(u16::from(pixels[1]) % 4, train.label(index));
    }
    // As the same data are published elsewhere: two tables with labels.
    for part in ["train", "test"] {
        let table = "7,1,2\n8,3,4\n".repeat(5);
        fs::write(folder.path().join(format!("mnist_{part}.csv")), table).unwrap();
    }
    assert!(refusal(folder.path(), "").contains("mnist`"));
    let loaded = load_from(&folder.path().join("mnist_"), "").unwrap();
    assert_eq!(
        (lengths(&loaded), loaded.splits.test.features()),
        ([8, 2, 10], 2)
    );
}

/// Photographs of three sizes and six modes.
fn photographs() -> TempDir {
    let folder = TempDir::new().unwrap();
    let save = |name: &str, image: DynamicImage| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        image.save(path).unwrap();
    };
    let grey = |size: [u32; 2]| GrayImage::from_pixel(size[0], size[1], Luma([100]));
    let rgb = |size: [u32; 2]| RgbImage::from_pixel(size[0], size[1], Rgb([200, 0, 100]));
    let half = RgbaImage::from_pixel(20, 20, Rgba([255, 0, 0, 51]));
    let deep: ImageBuffer<Luma<u16>, Vec<u16>> = ImageBuffer::from_pixel(20, 20, Luma([6553]));
    for index in 0..4 {
        save(&format!("cats/{index}.png"), grey([20, 30]).into());
        save(&format!("dogs/{index}.JPG"), rgb([40, 20]).into());
        save(&format!("owls/{index}.png"), half.clone().into());
        save(&format!("pike/{index}.png"), deep.clone().into());
    }
    fs::write(folder.path().join("Thumbs.db"), "x").unwrap();
    fs::write(folder.path().join("cats/desktop.ini"), "x").unwrap();
    fs::create_dir(folder.path().join("__MACOSX")).unwrap();
    folder
}

#[test]
fn photographs_of_several_sizes_and_modes_become_alike() {
    let folder = photographs();
    let message = refusal(folder.path(), "background = [0, 0, 0]");
    assert!(
        message.contains("40x20") && message.contains("`size = "),
        "{message}"
    );
    let message = refusal(folder.path(), "size = [4, 4]");
    assert!(
        message.contains("owls") && message.contains("`background"),
        "{message}"
    );
    let loaded = load_from(folder.path(), "size = [4, 4]\nbackground = [255, 255, 0]").unwrap();
    assert_eq!(
        loaded.classes.as_deref().unwrap(),
        ["cats", "dogs", "owls", "pike"]
    );
    assert_eq!(lengths(&loaded), [8, 4, 4]);
    let test = &loaded.splits.test;
    assert_eq!(test.shape().unwrap().to_string(), "3x4x4");
    let near = |found: f32, expected: f32| (found - expected).abs() < 0.012;
    for index in 0..test.len() {
        let sample = test.sample(index);
        let found = [sample[5], sample[21], sample[37]];
        // A fifth of red before yellow; a tenth of white, in 16 bits.
        let expected = match test.class_name(test.label(index).into()).as_str() {
            "cats" => [100.0 / 255.0; 3],
            "dogs" => [200.0 / 255.0, 0.0, 100.0 / 255.0],
            "owls" => [1.0, 0.8, 0.0],
            _ => [6553.0 / 65_535.0; 3],
        };
        assert!(
            found
                .iter()
                .zip(expected)
                .all(|(one, other)| near(*one, other)),
            "{found:?}"
        );
    }
    let grey = "size = [2, 2]\nbackground = [0, 0, 0]\ncolour = \"grey\"";
    let grey = load_from(folder.path(), grey).unwrap();
    assert_eq!(grey.splits.train.shape().unwrap().to_string(), "1x2x2");
}

#[test]
fn folders_for_training_and_testing_are_found_in_every_spelling() {
    for (train, test) in [("train", "val"), ("Training", "testing")] {
        let folder = TempDir::new().unwrap();
        for (part, count) in [(train, 10), (test, 2)] {
            for class in ["10", "9"] {
                let class = folder.path().join("photos").join(part).join(class);
                fs::create_dir_all(&class).unwrap();
                for index in 0..count {
                    let image = GrayImage::from_pixel(2, 2, Luma([index]));
                    image.save(class.join(format!("{index}.png"))).unwrap();
                }
            }
        }
        let loaded = load_from(folder.path(), "").unwrap();
        assert_eq!(lengths(&loaded), [16, 4, 4]);
        assert_eq!(loaded.classes.as_deref().unwrap(), ["9", "10"]);
        let has_note = loaded.notes.iter().any(|note| note.contains("tested on"));
        assert_eq!(has_note, test == "val");
    }
}

#[test]
fn what_lies_beside_the_data_and_is_not_read_is_named() {
    let folder = TempDir::new().unwrap();
    let image = |path: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        GrayImage::from_pixel(2, 2, Luma([1])).save(path).unwrap();
    };
    for index in 0..8 {
        image(&format!("train/cat/{index}.png"));
        image(&format!("train/dog/{index}.png"));
        image(&format!("test/cat/{index}.png"));
        image(&format!("test/dog/{index}.png"));
    }
    assert_eq!(load_from(folder.path(), "").unwrap().notes.len(), 1);
    fs::write(folder.path().join("README.txt"), "x").unwrap();
    image("train/loose.png");
    image("more/cat/0.png");
    let notes = load_from(folder.path(), "").unwrap().notes;
    let note = &notes[1];
    assert!(
        note.contains("loose.png") && note.contains("more`"),
        "{note}"
    );
    assert!(!note.contains("README"), "{note}");
    for index in 0..4 {
        image(&format!("loose {index}.png"));
    }
    let notes = load_from(folder.path(), "").unwrap().notes;
    assert!(notes[1].ends_with("3 more"), "{notes:?}");
}

#[test]
fn a_grey_image_is_seen_before_a_coloured_background() {
    let folder = TempDir::new().unwrap();
    let half = ImageBuffer::from_pixel(2, 2, image::LumaA([255u8, 51]));
    for (class, index) in [("a", 0), ("a", 1), ("a", 2), ("b", 0), ("b", 1), ("b", 2)] {
        let path = folder.path().join(class).join(format!("{index}.png"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        DynamicImage::ImageLumaA8(half.clone()).save(path).unwrap();
    }
    // A fifth of white before red.
    let train = load_from(folder.path(), "background = [255, 0, 0]")
        .unwrap()
        .splits
        .train;
    assert_eq!(train.shape().unwrap().to_string(), "3x2x2");
    assert_eq!(
        train.pixels(0).unwrap()[..],
        [255, 255, 255, 255, 51, 51, 51, 51, 51, 51, 51, 51]
    );
    let grey = load_from(folder.path(), "background = [100, 100, 100]")
        .unwrap()
        .splits
        .train;
    assert_eq!(grey.shape().unwrap().to_string(), "1x2x2");
    // 0.2 · 255 + 0.8 · 100
    assert_eq!(grey.pixels(0).unwrap()[..], [131; 4]);
}

#[test]
fn faulty_folders_of_images_are_named() {
    let folder = photographs();
    let text = "size = [4, 4]\nbackground = [0, 0, 0]";
    fs::write(folder.path().join("cats/notes.txt"), "x").unwrap();
    assert!(refusal(folder.path(), text).contains("notes.txt"));
    fs::remove_file(folder.path().join("cats/notes.txt")).unwrap();
    fs::write(folder.path().join("cats/9.png"), "<!DOCTYPE html>").unwrap();
    assert!(refusal(folder.path(), text).contains("web page"));
    fs::write(folder.path().join("cats/9.png"), "x").unwrap();
    assert!(refusal(folder.path(), text).contains("9.png"));
    let empty = TempDir::new().unwrap();
    assert!(refusal(empty.path(), "").contains("nothing in it is data"));
    let missing = empty.path().join("nowhere");
    assert!(refusal(&missing, "").contains("no such file"));
    fs::write(empty.path().join("a.csv"), "0,1\n").unwrap();
    fs::create_dir_all(empty.path().join("cats")).unwrap();
    let image = GrayImage::from_pixel(2, 2, Luma([1]));
    image.save(empty.path().join("cats/0.png")).unwrap();
    let message = refusal(empty.path(), "");
    assert!(
        message.contains("`format = \"images\"` or `format = \"csv\"`"),
        "{message}"
    );
}

/// The bytes of an archive with these arrays, as NumPy writes it.
fn archive(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut zip = rawzip::ZipArchiveWriter::new(&mut bytes);
    for (name, array) in arrays {
        let name = format!("{name}.npy");
        let (mut entry, config) = zip.new_file(&name).start().unwrap();
        let mut writer = config.wrap(&mut entry);
        std::io::Write::write_all(&mut writer, array).unwrap();
        let (_, sums) = writer.finish().unwrap();
        entry.finish(sums).unwrap();
    }
    zip.finish().unwrap();
    bytes
}

fn bytes_array(shape: &str, values: &[u8]) -> Vec<u8> {
    npy::tests::encode("|u1", "False", shape, values)
}

#[test]
fn archives_of_numpy_are_read_as_they_are_published() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("mnist.npz");
    // Keras: images of 2 x 2, ten of them.
    let images: Vec<u8> = (0..40).collect();
    let labels: Vec<u8> = (0..10).map(|it| it % 2).collect();
    let arrays = [
        ("x_train", bytes_array("(10, 2, 2)", &images)),
        ("y_train", bytes_array("(10,)", &labels)),
        ("x_test", bytes_array("(2, 2, 2)", &images[..8])),
        ("y_test", bytes_array("(2,)", &[1, 0])),
    ];
    fs::write(&path, archive(&arrays)).unwrap();
    let loaded = load_from(&path, "").unwrap();
    assert_eq!(lengths(&loaded), [8, 2, 2]);
    let test = &loaded.splits.test;
    assert_eq!(
        (test.labels(), test.pixels(1).unwrap()),
        (&[1, 0][..], &[4, 5, 6, 7][..])
    );

    // MedMNIST: three parts, labels in a column, channels last.
    let parts = ["train", "val", "test"].map(|part| {
        [
            (
                format!("{part}_images"),
                bytes_array("(2, 2, 1, 3)", &images[..12]),
            ),
            (format!("{part}_labels"), bytes_array("(2, 1)", &[5, 3])),
        ]
    });
    let parts = parts.concat();
    let parts: Vec<(&str, Vec<u8>)> = parts
        .iter()
        .map(|(name, it)| (name.as_str(), it.clone()))
        .collect();
    fs::write(&path, archive(&parts)).unwrap();
    let loaded = load_from(&path, "").unwrap();
    assert_eq!(lengths(&loaded), [2, 2, 2]);
    let train = &loaded.splits.train;
    assert_eq!(train.shape().unwrap().to_string(), "3x2x1");
    assert_eq!(
        (train.label(0), train.pixels(1).unwrap()),
        (1, &[6, 9, 7, 10, 8, 11][..])
    );
    let damaged = archive(&parts);
    for at in (0..damaged.len()).step_by(7) {
        let mut bytes = damaged.clone();
        bytes[at] ^= 0x55;
        fs::write(&path, bytes).unwrap();
        let _ = load_from(&path, "");
    }
}

#[test]
fn arrays_in_files_of_their_own_are_paired_by_name() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let real = |values: &[f32]| {
        values
            .iter()
            .flat_map(|it| it.to_le_bytes())
            .collect::<Vec<u8>>()
    };
    let write = |last: f32| {
        let values: Vec<f32> = (0..19).map(|it| it as f32 * 10.0).chain([last]).collect();
        let array = npy::tests::encode("<f4", "False", "(10, 2)", &real(&values));
        fs::write(path("X.npy"), array).unwrap();
    };
    write(190.0);
    let labels: Vec<u8> = (0..10_i64).flat_map(|it| (it % 2).to_le_bytes()).collect();
    fs::write(
        path("y.npy"),
        npy::tests::encode("<i8", "False", "(10,)", &labels),
    )
    .unwrap();
    let loaded = load_from(folder.path(), "divide_by = 10.0").unwrap();
    assert_eq!(lengths(&loaded), [6, 2, 2]);
    let sample = loaded.splits.test.sample(0);
    assert_eq!((sample[1] - sample[0], sample[0] % 2.0), (1.0, 0.0));
    write(f32::NAN);
    let message = refusal(folder.path(), "");
    assert!(message.contains("value 1 of sample 9 is NaN"), "{message}");
    fs::remove_file(path("y.npy")).unwrap();
    let message = refusal(folder.path(), "");
    assert!(
        message.contains("`X` holds samples and `none` labels"),
        "{message}"
    );
}

#[test]
fn numbers_become_two_rates_each() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("points.csv");
    let row = |index: i32| format!("{},{}.5,{}\n", index % 2, index - 10, index);
    let table: String = (0..20).map(row).collect();
    fs::write(&path, table).unwrap();
    let plain = load_from(&path, "").unwrap().splits;
    let on_off = load_from(&path, "encoding = \"on_off\"").unwrap().splits;
    assert_eq!([plain.train.features(), on_off.train.features()], [2, 4]);
    let means = [0, 1].map(|column| {
        let train = &plain.train;
        let values = (0..train.len()).map(|it| f64::from(train.sample(it)[column]));
        values.sum::<f64>() / train.len() as f64
    });
    let mut most = [0.0_f32; 4];
    for index in 0..on_off.train.len() {
        let rates = on_off.train.sample(index);
        let values = plain.train.sample(index);
        for column in 0..2 {
            let is_above = f64::from(values[column]) > means[column];
            assert_eq!(rates[column] > 0.0, is_above);
            assert_eq!(
                rates[2 + column] > 0.0,
                f64::from(values[column]) < means[column]
            );
            most[column] = most[column].max(rates[column]);
            most[2 + column] = most[2 + column].max(rates[2 + column]);
        }
    }
    for column in 0..2 {
        assert!(
            (most[column].max(most[2 + column]) - 1.0).abs() < 1e-6,
            "{most:?}"
        );
    }
    let digits = Dataset::from(super::super::DatasetName::MnistMini);
    let spec = DataSpec {
        encoding: Encoding::OnOff,
        size: Some([14, 14]),
        ..DataSpec::default()
    };
    let digits = digits.load(&spec, &Default::default()).unwrap().splits;
    assert_eq!(digits.test.shape().unwrap().to_string(), "2x14x14");
    assert!(
        (0..20)
            .flat_map(|it| digits.test.sample(it))
            .all(|rate| rate >= 0.0)
    );
}

#[test]
fn what_is_no_image_has_no_size() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("points.csv");
    fs::write(&path, "0,1.5\n1,2.5\n".repeat(9)).unwrap();
    for text in ["size = [2, 2]", "transpose = true", "colour = \"grey\""] {
        assert!(refusal(&path, text).contains("vectors"), "{text}");
    }
    assert!(refusal(&path, "test = 2.0").contains("`test` is 2"));
}
