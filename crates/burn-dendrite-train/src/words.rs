//! Words for people.

/// A number and what is counted, in the singular of one: `1 epoch`, `2 epochs`, `3 batches`.
pub fn counted(count: usize, what: &str) -> String {
    let ending = match what {
        _ if count == 1 => "",
        "batch" => "es",
        _ if what.ends_with('s') => "es",
        _ => "s",
    };
    format!("{count} {what}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_in_the_singular() {
        let words = |count| ["epoch", "batch", "seed", "class"].map(|it| counted(count, it));
        assert_eq!(words(1), ["1 epoch", "1 batch", "1 seed", "1 class"]);
        assert_eq!(words(2), ["2 epochs", "2 batches", "2 seeds", "2 classes"]);
        assert_eq!(counted(0, "image"), "0 images");
    }
}
