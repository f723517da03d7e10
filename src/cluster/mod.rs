//! Shares of a plan on a cluster: which share a process is, and the scripts that start one for each.
//!
//! Nothing here runs a command or reads the environment: what is there is handed in.

pub mod slurm;

use crate::plan::shard::Shard;

/// Variables of a batch system: index, first index, last index, and how far apart indices are. Not all tell the last.
struct Engine {
    name: &'static str,
    index: &'static str,
    first: Option<&'static str>,
    last: Option<&'static str>,
    step: Option<&'static str>,
    /// What the first index is where no variable tells.
    from: usize,
}

const ENGINES: [Engine; 6] = [
    Engine {
        name: "Slurm",
        index: "SLURM_ARRAY_TASK_ID",
        first: Some("SLURM_ARRAY_TASK_MIN"),
        last: Some("SLURM_ARRAY_TASK_MAX"),
        step: Some("SLURM_ARRAY_TASK_STEP"),
        from: 0,
    },
    Engine {
        name: "SGE",
        index: "SGE_TASK_ID",
        first: Some("SGE_TASK_FIRST"),
        last: Some("SGE_TASK_LAST"),
        step: Some("SGE_TASK_STEPSIZE"),
        from: 1,
    },
    Engine {
        name: "LSF",
        index: "LSB_JOBINDEX",
        first: None,
        last: Some("LSB_JOBINDEX_END"),
        step: Some("LSB_JOBINDEX_STEP"),
        from: 1,
    },
    Engine { name: "PBS", index: "PBS_ARRAY_INDEX", first: None, last: None, step: None, from: 0 },
    Engine { name: "Torque", index: "PBS_ARRAYID", first: None, last: None, step: None, from: 0 },
    Engine { name: "Kubernetes", index: "JOB_COMPLETION_INDEX", first: None, last: None, step: None, from: 0 },
];

/// What `--shard` says: `I/N`, `auto`, or `auto/N` where the batch system does not tell how many tasks there are.
///
/// `variable` gives a variable of the environment. It is asked only for `auto`.
pub fn shard(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Shard, String> {
    let of = match text.strip_prefix("auto") {
        None => return text.parse(),
        Some("") => None,
        Some(rest) => Some(
            rest.strip_prefix('/')
                .and_then(|of| of.parse::<usize>().ok())
                .filter(|of| *of > 0)
                .ok_or_else(|| format!("`{text}` is no share: write I/N, `auto`, or `auto/N`"))?,
        ),
    };
    // SGE says `undefined` outside of an array.
    let number = |name: &str| variable(name).and_then(|text| text.trim().parse::<usize>().ok());
    let Some((engine, index)) = ENGINES.iter().find_map(|engine| Some((engine, number(engine.index)?))) else {
        let names: Vec<&str> = ENGINES.iter().map(|engine| engine.index).collect();
        return Err(format!("`--shard {text}` finds no task of an array: none of {} is set", names.join(", ")));
    };
    let first = engine.first.and_then(number).unwrap_or(engine.from);
    let step = engine.step.and_then(number).unwrap_or(1).max(1);
    let told = engine.last.and_then(number).map(|last| (last.saturating_sub(first)) / step + 1);
    let Some(of) = of.or(told) else {
        return Err(format!("{} does not tell how many tasks there are: write `--shard auto/N`", engine.name));
    };
    let share = index.checked_sub(first).map(|offset| offset / step + 1).filter(|share| *share <= of);
    share
        .and_then(|share| Shard::new(share, of))
        .ok_or_else(|| format!("{}={index} is not one of {of} tasks from {first} on", engine.index))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, set: &[(&str, &str)]) -> Result<String, String> {
        let variable = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string());
        shard(text, &variable).map(|shard| shard.to_string())
    }

    #[test]
    fn every_engine_tells_which_share_it_is() {
        let slurm = [("SLURM_ARRAY_TASK_ID", "4"), ("SLURM_ARRAY_TASK_MIN", "0"), ("SLURM_ARRAY_TASK_MAX", "7")];
        assert_eq!(found("auto", &slurm).unwrap(), "5/8");
        let sge = [("SGE_TASK_ID", "5"), ("SGE_TASK_FIRST", "1"), ("SGE_TASK_LAST", "9"), ("SGE_TASK_STEPSIZE", "2")];
        assert_eq!(found("auto", &sge).unwrap(), "3/5");
        assert_eq!(found("auto", &[("LSB_JOBINDEX", "8"), ("LSB_JOBINDEX_END", "8")]).unwrap(), "8/8");
        assert_eq!(found("auto/3", &[("PBS_ARRAY_INDEX", "0")]).unwrap(), "1/3");
        assert_eq!(found("auto/3", &[("JOB_COMPLETION_INDEX", "2")]).unwrap(), "3/3");
        assert!(found("auto", &[("JOB_COMPLETION_INDEX", "2")]).unwrap_err().contains("auto/N"));
        assert!(found("auto/2", &[("JOB_COMPLETION_INDEX", "2")]).unwrap_err().contains("not one of 2 tasks"));
        assert!(found("auto", &[("SGE_TASK_ID", "undefined")]).unwrap_err().contains("finds no task"));
        assert!(found("auto/0", &slurm).is_err() && found("autos", &slurm).is_err());
        // The environment is read only when asked.
        assert_eq!(found("1/2", &slurm).unwrap(), "1/2");
    }
}
