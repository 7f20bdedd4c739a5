//! The parts of a training step, and what bounds them.
//!
//! ```sh
//! cargo bench --profile dev --bench steps             # all
//! cargo bench --profile dev --bench steps -- online   # those with that in their name
//! ```
//!
//! `RAYON_NUM_THREADS` sets the threads. Networks, data and weights are made outside of what is
//! timed, from fixed seeds; sizes are in the names. `--profile dev` is the project's one profile,
//! optimised: without it burn is built once more.

mod hand_loop;
mod limits;
mod nudge;
mod scale;
mod settle;
mod subject;
mod train_step;
mod update;

fn main() {
    divan::main();
}
