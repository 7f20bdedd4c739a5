//! Studies on clusters: the runs of a study as the tasks of job arrays.
//!
//! ```text
//! slurm/run.sh        what each task of an array runs
//! slurm/report.sh     what the job runs that reports once they have ended
//! slurm/jobs.json     what was submitted
//! slurm/JOB_N.log     what a task said
//! ```
//!
//! All that a scheduler has to do is to start `dendrite study task DIR N`; which of the runs are done
//! stands in the folder of the study.

mod jobs;
mod slurm;

pub use jobs::{Jobs, Submitted, commands, submit};
pub use slurm::{Queued, Slurm, SlurmError};
