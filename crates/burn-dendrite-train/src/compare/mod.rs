//! What a comparison of networks finds, over seeds: numbers, tables, and the way to them.

mod curves;
mod results;
mod tables;

pub use curves::{Curve, CurvePoint};
pub use results::{Machine, NetworkResults, Results, RunResults};
pub use tables::{TableError, write_tables};
