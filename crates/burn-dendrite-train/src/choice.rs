//! Words of a closed list.

/// One of a few things, by its name in files and on the command line.
pub trait Choice: Copy + Send + Sync + 'static {
    /// All of them, in the order in which they are offered.
    const ALL: &'static [Self];

    /// Its name.
    fn as_str(self) -> &'static str;
}
