//! What lies at a path: files of which kind, or folders of images.

use std::path::{Path, PathBuf};

use super::super::DataError;
use super::idx::is_idx;
use super::photos::{file_name, holds_images, is_image, visible};
use super::role::Role;
use super::{FileFormat, Listed};

/// What is read, and what is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) layout: Layout,
    /// Files and folders beside it that could be taken for data.
    pub(super) left_alone: Vec<PathBuf>,
}

/// What is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Folders that hold a folder of images for each class.
    Images(Vec<(Role, PathBuf)>),
    Idx(Vec<Listed>),
    Numpy(Vec<Listed>),
    Tables(Vec<Listed>),
}

/// Endings of files that hold no samples, in lower case.
const OTHER_ENDINGS: [&str; 14] = [
    "txt", "md", "json", "html", "htm", "pdf", "zip", "tar", "py", "ipynb", "toml", "yaml", "mat",
    "xml",
];

/// The deepest folder that is looked into for the data, each of them the only one in its parent.
const DEEPEST: usize = 4;

/// Finds what is to be read at a path.
///
/// # Errors
///
/// If there is nothing, or more than one kind of files and none is asked for.
pub(super) fn find(path: &Path, format: Option<FileFormat>) -> Result<Content, DataError> {
    let (files, folders) = list(path)?;
    let images = if folders.is_empty() {
        None
    } else {
        images(path, &folders)?
    };
    let mut kinds: Vec<FileFormat> = files.iter().map(|(kind, _)| *kind).collect();
    kinds.extend(images.as_ref().map(|_| FileFormat::Images));
    kinds.sort();
    kinds.dedup();
    let kind = match (format, kinds.as_slice()) {
        (Some(format), kinds) if kinds.contains(&format) => format,
        (None, [kind]) => *kind,
        (Some(format), _) => {
            let message = format!("it holds no data of the format `{}`", word(format));
            return Err(DataError::unusable(path, message));
        }
        (None, []) => return Err(nothing(path)),
        (None, kinds) => {
            let kinds: Vec<String> = (kinds.iter())
                .map(|kind| format!("`format = \"{}\"`", word(*kind)))
                .collect();
            return Err(DataError::unusable(
                path,
                format!(
                    "it holds files of several kinds; accepted: the path of one, or {} in `[data]`",
                    kinds.join(" or ")
                ),
            ));
        }
    };
    let files = files.into_iter().filter(|(it, _)| *it == kind);
    let files: Vec<Listed> = files.map(|(_, file)| file).collect();
    let left_alone = match (kind, &images) {
        (FileFormat::Images, Some(parts)) => beside_classes(parts)?,
        _ => beside_files(path, &folders),
    };
    let layout = match kind {
        FileFormat::Images => Layout::Images(images.unwrap_or_default()),
        FileFormat::Idx => Layout::Idx(files),
        FileFormat::Csv => Layout::Tables(files),
        FileFormat::Numpy => Layout::Numpy(files),
    };
    Ok(Content { layout, left_alone })
}

/// Images that lie beside the folders of classes, and folders beside those for training and testing.
fn beside_classes(parts: &[(Role, PathBuf)]) -> Result<Vec<PathBuf>, DataError> {
    let mut left_alone = Vec::new();
    for (_, folder) in parts {
        let loose = visible(folder)?.into_iter().filter(|path| is_image(path));
        left_alone.extend(loose);
    }
    if let [(role, folder), ..] = parts
        && *role != Role::Whole
        && let Some(parent) = folder.parent()
    {
        let is_part = |path: &PathBuf| parts.iter().any(|(_, part)| part == path);
        let others = visible(parent)?.into_iter().filter(|path| !is_part(path));
        left_alone.extend(others.filter(|path| path.is_dir() || is_image(path)));
    }
    Ok(left_alone)
}

/// Folders that lie beside files, and say nothing that they are for.
fn beside_files(path: &Path, folders: &[PathBuf]) -> Vec<PathBuf> {
    let others = folders.iter().filter(|folder| {
        let name = file_name(folder);
        path.is_dir() && name != "raw" && Role::of_folder(&name).is_none()
    });
    others.cloned().collect()
}

fn word(format: FileFormat) -> &'static str {
    match format {
        FileFormat::Images => "images",
        FileFormat::Idx => "idx",
        FileFormat::Csv => "csv",
        FileFormat::Numpy => "numpy",
    }
}

fn nothing(path: &Path) -> DataError {
    DataError::unusable(
        path,
        "nothing in it is data; accepted: a folder of JPEG or PNG images for each class (also in \
         `train`, `val` and `test`), IDX files, `.csv`, `.npy` or `.npz` files",
    )
}

/// Files that hold samples, by kind, and the folders beside them.
type Found = (Vec<(FileFormat, Listed)>, Vec<PathBuf>);

/// What is at a path: one file, the content of a folder, or the files whose names begin like this.
fn list(path: &Path) -> Result<Found, DataError> {
    if path.is_file() {
        let Some(kind) = kind(path) else {
            return Err(DataError::unusable(
                path,
                "it is of no kind that is read; accepted: `.csv`, `.tsv`, `.npy`, `.npz`, IDX, or a \
                 folder of images",
            ));
        };
        if kind == FileFormat::Idx {
            return Err(DataError::unusable(
                path,
                "it holds samples or labels, and both are needed; accepted: the folder of both files",
            ));
        }
        let file = Listed {
            path: path.to_owned(),
            role: Some(Role::Whole),
        };
        return Ok((vec![(kind, file)], Vec::new()));
    }
    if path.is_dir() {
        return list_folder(path, DEEPEST);
    }
    let beginning = file_name(path);
    let parent = path.parent().filter(|parent| parent.is_dir());
    let paths = match parent {
        Some(parent) => visible(parent)?,
        None => Vec::new(),
    };
    let paths = paths
        .into_iter()
        .filter(|it| file_name(it).starts_with(&beginning));
    let (files, _) = sort(paths.collect(), None);
    if files.is_empty() {
        Err(DataError::unusable(path, "there is no such file or folder"))
    } else {
        Ok((files, Vec::new()))
    }
}

/// What a folder holds: also what lies in its folders `train`, `val` and `test`, in `raw`, and in the
/// only folder that it holds.
fn list_folder(folder: &Path, depth: usize) -> Result<Found, DataError> {
    let (mut files, folders) = sort(visible(folder)?, None);
    for inner in &folders {
        if let Some(role) = Role::of_folder(&file_name(inner)) {
            files.extend(sort(visible(inner)?, Some(role)).0);
        }
    }
    if !files.is_empty() {
        return Ok((files, folders));
    }
    let inner = match folders.as_slice() {
        [only] if !holds_images(only) => Some(only),
        several => several.iter().find(|it| file_name(it) == "raw"),
    };
    match inner.filter(|_| depth > 0) {
        Some(inner) => list_folder(inner, depth - 1),
        None => Ok((files, folders)),
    }
}

/// Files that hold samples, and folders.
fn sort(paths: Vec<PathBuf>, role: Option<Role>) -> Found {
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for path in paths {
        if path.is_dir() {
            folders.push(path);
        } else if let Some(kind) = kind(&path) {
            files.push((kind, Listed { path, role }));
        }
    }
    (files, folders)
}

/// The kind of a file, by its ending, or its first bytes where that says nothing.
fn kind(path: &Path) -> Option<FileFormat> {
    let name = file_name(path).to_lowercase();
    let name = name.trim_end_matches(".gz");
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("csv" | "tsv") => Some(FileFormat::Csv),
        Some("npy" | "npz") => Some(FileFormat::Numpy),
        Some(ending) if OTHER_ENDINGS.contains(&ending) => None,
        _ if is_image(path) => None,
        _ => is_idx(path).then_some(FileFormat::Idx),
    }
}

/// The folders whose folders are classes: those for training and testing, or the one that these
/// folders are in; nothing where there are no images.
fn images(path: &Path, folders: &[PathBuf]) -> Result<Option<Vec<(Role, PathBuf)>>, DataError> {
    let has_classes = |folder: &Path| {
        let inner = visible(folder).unwrap_or_default();
        inner
            .iter()
            .any(|class| class.is_dir() && holds_images(class))
    };
    let parts: Vec<(Role, PathBuf)> = (folders.iter())
        .filter_map(|folder| Some((Role::of_folder(&file_name(folder))?, folder.clone())))
        .filter(|(_, folder)| has_classes(folder))
        .collect();
    if let Some((index, _)) = (parts.iter().enumerate())
        .find(|(index, (role, _))| parts[..*index].iter().any(|(it, _)| it == role))
    {
        let folder = parts[index].1.clone();
        let message = "another folder is for the same; accepted: one of them";
        return Err(DataError::unusable(&folder, message));
    }
    if !parts.is_empty() {
        return Ok(Some(parts));
    }
    let classes = folders.iter().filter(|folder| holds_images(folder));
    let parent = folders
        .first()
        .and_then(|folder| folder.parent())
        .unwrap_or(path);
    Ok((classes.count() > 0).then(|| vec![(Role::Whole, parent.to_owned())]))
}
