//! The layers beside burn's own.
//!
//! ```sh
//! cargo bench --profile dev --bench layers -- table                   # parameters, time, accuracy
//! cargo bench --profile dev --bench layers -- laws                    # both ways of keeping laws
//! cargo bench --profile dev --bench layers -- depth mnist 100 5,10     # data set, width, depths
//! cargo bench --profile dev --bench layers -- depth mnist 500 5 EiDense
//! ```
//!
//! `RAYON_NUM_THREADS` sets the threads. `--profile dev` is the project's one profile, optimised.

mod depth;
mod kind;
mod stack;
mod table;
mod ways;

fn main() {
    // cargo itself adds `--bench`.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|it| it != "--bench")
        .collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["table"] => table::print(),
        ["laws"] => ways::print(),
        ["depth", data, width, depths] => depth::print(data, width, depths, None),
        ["depth", data, width, depths, kind] => depth::print(data, width, depths, Some(kind)),
        _ => {
            eprintln!("accepted: table; laws; depth DATASET WIDTH DEPTH,DEPTH [LAYER]");
            std::process::exit(2);
        }
    }
}
