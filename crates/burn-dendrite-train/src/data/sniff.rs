//! What a file or folder is, whatever it is called.

use std::path::Path;

/// Names that operating systems leave in folders, in lower case. They are nobody's data.
const LEFT_BEHIND: [&str; 5] = [
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "__macosx",
    "icon\r",
];

/// True for what is in a folder without anybody having put it there: names with a dot in front, and
/// what file managers and archive programs leave behind.
pub(super) fn is_left_behind(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') || LEFT_BEHIND.contains(&name.to_lowercase().as_str())
}

/// What is in a folder and does not hide, sorted; nothing where it cannot be read.
pub(super) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter(|entry| !is_left_behind(&entry.path()))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// True where a file begins as a web page does, which a browser or a proxy saves instead of a file.
pub(super) fn is_web_page(start: &[u8]) -> bool {
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let start = start.trim_ascii_start();
    ["<!doctype html", "<html", "<head"].iter().any(|begin| {
        let start = start.get(..begin.len()).unwrap_or_default();
        start.eq_ignore_ascii_case(begin.as_bytes())
    })
}

/// The names that look like one of the accepted ones without being any, in their order.
///
/// A name is alike if its letters and digits begin like those of an accepted one (eight of them at
/// least), or differ from it in less than a third.
pub(super) fn near_misses(names: impl Iterator<Item = String>, accepted: &[&str]) -> Vec<String> {
    const ALIKE: f64 = 0.7;
    const BEGINNING: usize = 8;
    let plain = |name: &str| -> String {
        let letters = name.chars().filter(|it| it.is_ascii_alphanumeric());
        letters.map(|it| it.to_ascii_lowercase()).collect()
    };
    let is_near = |name: &str| {
        let name = plain(name);
        accepted.iter().any(|accepted| {
            let accepted = plain(accepted);
            let begins = name.len().min(accepted.len()) >= BEGINNING
                && (name.starts_with(&accepted) || accepted.starts_with(&name));
            begins || strsim::normalized_damerau_levenshtein(&name, &accepted) > ALIKE
        })
    };
    names
        .filter(|name| !accepted.contains(&name.as_str()) && is_near(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_leave_in_folders_is_told_from_data() {
        for name in [
            ".DS_Store",
            "Thumbs.db",
            "desktop.ini",
            "Desktop.ini",
            "__MACOSX",
            "._cat.jpg",
        ] {
            assert!(
                is_left_behind(Path::new("folder").join(name).as_path()),
                "{name}"
            );
        }
        for name in ["cat", "thumbs", "0.png", "MACOSX"] {
            assert!(!is_left_behind(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn web_pages_are_known_by_their_beginning() {
        for page in [
            &b"<!DOCTYPE html>\n<html>"[..],
            b"\xef\xbb\xbf\r\n <html lang=\"en\">",
            b"<!doctype HTML PUBLIC",
        ] {
            assert!(is_web_page(page));
        }
        for other in [&b""[..], b"\x1f\x8b\x08", b"label,<html>", b"<htm"] {
            assert!(!is_web_page(other));
        }
    }

    #[test]
    fn near_misses_are_alike_but_not_accepted() {
        let accepted = ["train-images-idx3-ubyte", "t10k-images-idx3-ubyte"];
        let names = [
            "train-images-idx3-ubyte",
            "train-images-idx3-ubyte.zip",
            "train_images.idx3-ubyte",
            "train-images",
            "test-images-idx3-ubyte",
            "notes.txt",
            "train",
        ];
        let found = near_misses(names.iter().map(|it| (*it).to_owned()), &accepted);
        assert_eq!(found, names[1..5]);
    }
}
