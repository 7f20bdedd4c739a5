//! `dendrite analyze`.

use std::{
    collections::HashMap,
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use burn_dendrite_lab::analysis::{
    Analysis, AnalysisOptions, Figure, Metric, Of, Trained, analyze, charts_of, load_trained,
    over_training, table_of,
};
use burn_dendrite_lab::study::study_of;
use burn_dendrite_train::{
    SavedWeights,
    data::{Dataset, SampleSet},
    experiment::fits,
    output::{Output, answer, say},
};
use clap::Args;
use comfy_table::{CellAlignment, Table};
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    DataArguments, MachineArguments, MeasuredOn, Mistake,
    analysis_file::{AnalysisFile, File, PAGE, SplitName, as_csv, earlier_files, write},
    report::{check_own_page, tested, write_page},
    table::table,
};

#[derive(Args, Debug)]
pub(super) struct AnalyzeArguments {
    /// A run folder; the newest checkpoint is analysed if the run has not come to its end.
    run: PathBuf,
    /// Metrics, separated by commas; all of them unless given.
    #[arg(long = "metric", value_name = "NAME,…", value_delimiter = ',')]
    metrics: Vec<Metric>,
    /// Samples that the network is shown.
    #[arg(long, default_value_t = AnalysisOptions::default().samples)]
    samples: usize,
    /// Units of each population whose receptive field is measured.
    #[arg(long, default_value_t = AnalysisOptions::default().field_units)]
    units: usize,
    /// Data set; the run's own unless given. Whoever names one may measure on any data: unless it is
    /// given, data that are not those of the run are refused.
    #[arg(long)]
    dataset: Option<Dataset>,
    #[command(flatten)]
    data: DataArguments,
    /// Measure the network at its start, at every checkpoint that was kept (`train --checkpoints all`),
    /// and at its end: `over_training.csv`, and a figure of each quantity.
    #[arg(long)]
    over_training: bool,
    /// Which split the samples are from.
    #[arg(long, value_enum, default_value_t = SplitName::Test)]
    split: SplitName,
    /// Folder for `analysis.json` and the tables; `RUN/analysis` unless given.
    #[arg(long)]
    out: Option<PathBuf>,
    #[command(flatten)]
    machine: MachineArguments,
    /// Print nothing but mistakes.
    #[arg(long)]
    quiet: bool,
}

impl AnalyzeArguments {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let out = self
            .out
            .clone()
            .unwrap_or_else(|| self.run.join("analysis"));
        let earlier = earlier_files(&out)?;
        if let Some(study) =
            study_of(&self.run).filter(|_| !earlier.is_empty() && self.out.is_none())
        {
            let message = format!(
                "`{}` is what the study in `{}` is made of; accepted: `--out DIR` for another analysis",
                out.display(),
                study.display()
            );
            return Err(Mistake(message).into());
        }
        let page = self.out.as_ref().unwrap_or(&self.run).join(PAGE);
        check_own_page(&page)?;
        let (device, _) = self.machine.open()?;
        let trained = load_trained(&self.run, &device)?;
        if trained.weights != SavedWeights::Last && !self.quiet {
            say(format!("note: {}", trained.weights));
        }
        let (dataset, data) = (self.data).load_for(
            &self.run,
            &trained.settings,
            &trained.spec.data,
            MeasuredOn::Any(self.dataset.clone()),
            self.quiet,
        )?;
        fits(trained.model.network.plan(), &data, &dataset)?;
        let set = match self.split {
            SplitName::Validation => &data.validation,
            SplitName::Test => &data.test,
        };

        let bar = self.bar();
        let analysis = analyze(&trained.subject(), set, &self.options(), &mut |progress| {
            bar.set_message(progress.metric.as_str());
            bar.set_position((progress.done * STEPS as f64) as u64);
        });
        bar.finish_and_clear();
        let analysis = analysis.map_err(|error| Mistake(format!("--samples: {error}")))?;

        let mut files = Vec::new();
        for (metric, result) in analysis.results() {
            if let Some(sheet) = result.sheet() {
                files.push((format!("{metric}.csv"), as_csv(&sheet)?));
            }
        }
        if self.over_training {
            files.extend(self.over_training(&trained, set)?);
        }
        let gone: Vec<String> = (earlier.iter())
            .filter_map(|path| path.file_name()?.to_str())
            .filter(|name| name.ends_with(".csv") && !files.iter().any(|(new, _)| new == name))
            .map(|name| format!("`{name}`"))
            .collect();
        if !gone.is_empty() && !self.quiet {
            let gone = gone.join(", ");
            say(format!(
                "note: the analysis before had also {gone}, which are gone with it"
            ));
        }
        let file = AnalysisFile::new(&trained, &dataset, self.split, analysis);
        write(&out, &earlier, &file, &files)?;
        let found = tested(
            &trained,
            &device,
            set,
            &format!("{} samples of {dataset}", self.split),
        )?;
        write_page(
            &self.run,
            &trained,
            Some(found),
            Some(&file),
            Vec::new(),
            &page,
        )?;
        if !self.quiet {
            self.print(&file, &out)?;
            answer(format!("all in one page: {}", page.display()))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The files of what was measured over training.
    fn over_training(&self, trained: &Trained, set: &SampleSet) -> anyhow::Result<Vec<File>> {
        let bar = self.bar();
        bar.set_message("over training");
        let course = over_training(trained, set, &self.options(), &mut |done| {
            bar.set_position((done * STEPS as f64) as u64);
        });
        bar.finish_and_clear();
        let course = course.map_err(|error| Mistake(format!("--samples: {error}")))?;
        if course.iter().all(|moment| moment.measurements.is_empty()) {
            let message = "none of the metrics that are asked for is a number that can be followed over \
                           training; accepted: others with `--over-training`, or all";
            return Err(Mistake(message.to_owned()).into());
        }
        let mut files = vec![("over_training.csv".to_owned(), as_csv(&table_of(&course))?)];
        for (quantity, chart) in charts_of(&course) {
            let name = format!("over_training_{}.svg", quantity.name());
            files.push((name, chart.draw()?.into_bytes()));
        }
        Ok(files)
    }

    fn options(&self) -> AnalysisOptions {
        let default = AnalysisOptions::default();
        AnalysisOptions {
            metrics: if self.metrics.is_empty() {
                default.metrics
            } else {
                let mut metrics = self.metrics.clone();
                metrics.sort_unstable();
                metrics.dedup();
                metrics
            },
            samples: self.samples,
            field_units: self.units,
            ..default
        }
    }

    fn bar(&self) -> ProgressBar {
        if self.quiet || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("{bar:30} {percent:>3} %  {eta} left  {msg}");
        let bar = ProgressBar::new(STEPS)
            .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    fn print(&self, file: &AnalysisFile, out: &Path) -> anyhow::Result<()> {
        let analysis = &file.analysis;
        let mut output = Output::answer();
        writeln!(
            output,
            "{}, seed {}, on {} {} samples of {}\n",
            file.preset, file.seed, analysis.samples, file.split, file.dataset
        )?;
        for table in tables(analysis) {
            writeln!(output, "{table}\n")?;
        }
        let measured: Vec<Metric> = analysis
            .results()
            .iter()
            .map(|(metric, _)| *metric)
            .collect();
        let missing: Vec<&str> = (self.options().metrics.iter())
            .filter(|metric| !measured.contains(metric))
            .map(|metric| metric.as_str())
            .collect();
        if !missing.is_empty() {
            writeln!(
                output,
                "not measured, for want of what they need: {}",
                missing.join(", ")
            )?;
        }
        writeln!(output, "all values: {}", out.display())?;
        Ok(())
    }
}

/// Steps of the progress bar.
const STEPS: u64 = 1000;

/// The figures of all results: a line for each population, projection or pair of cell types, and a
/// column for each quantity.
fn tables(analysis: &Analysis) -> Vec<Table> {
    let results = analysis.results();
    let figures: Vec<Figure> = (results.iter())
        .flat_map(|(_, result)| result.figures())
        .collect();
    let mut tables = Vec::new();
    let network: Vec<&Figure> = figures.iter().filter(|it| it.of == Of::Network).collect();
    if !network.is_empty() {
        let mut table = table(&["network", ""]);
        for figure in network {
            table.add_row([figure.quantity, figure.value.as_str()]);
        }
        tables.push(table);
    }
    let name = |of: &Of| match of {
        Of::Network => None,
        Of::Population(name) => Some(("population", name.clone())),
        Of::Projection(name) => Some(("projection", name.clone())),
        Of::CellTypes(name) => Some(("cell types", name.clone())),
    };
    for kind in ["population", "projection", "cell types"] {
        // Each quantity of each name, both in the order in which they come.
        let (mut names, mut quantities, mut cells) = (Vec::new(), Vec::new(), HashMap::new());
        for figure in &figures {
            let Some((_, name)) = name(&figure.of).filter(|(of, _)| *of == kind) else {
                continue;
            };
            if !names.contains(&name) {
                names.push(name.clone());
            }
            if !quantities.contains(&figure.quantity) {
                quantities.push(figure.quantity);
            }
            cells.insert((name, figure.quantity), figure.value.as_str());
        }
        for quantities in quantities.chunks(COLUMNS) {
            let header: Vec<&str> = [kind]
                .into_iter()
                .chain(quantities.iter().copied())
                .collect();
            let mut table = table(&header);
            for name in &names {
                let cell = |quantity: &&'static str| {
                    cells.get(&(name.clone(), *quantity)).copied().unwrap_or("")
                };
                let row: Vec<&str> = quantities.iter().map(cell).collect();
                if row.iter().any(|cell| !cell.is_empty()) {
                    table.add_row([name.as_str()].into_iter().chain(row));
                }
            }
            tables.push(table);
        }
    }
    for table in &mut tables {
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    tables
}

/// Quantities beside one another, so that a table fits a terminal.
const COLUMNS: usize = 5;
