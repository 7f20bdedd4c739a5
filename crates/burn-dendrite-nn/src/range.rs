//! Numbers in range, or one sentence.

/// `Err` unless `value` is finite and greater than zero.
pub(crate) fn positive(name: &str, value: f64) -> Result<(), String> {
    if value.is_finite() && value > 0.0 {
        Ok(())
    } else {
        Err(format!(
            "`{name}` is {value}; accepted: a number greater than 0"
        ))
    }
}

/// `Err` unless `value` is finite.
pub(crate) fn finite(name: &str, value: f64) -> Result<(), String> {
    if value.is_finite() {
        Ok(())
    } else {
        Err(format!("`{name}` is {value}; accepted: a finite number"))
    }
}
