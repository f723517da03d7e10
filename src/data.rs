//! Tables of numbers: reading a CSV file, with every fault named by row and column.

/// Columns of equal length, by name, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    pub names: Vec<String>,
    pub columns: Vec<Vec<f64>>,
    /// Where it was read from, as the experiment names it; None where it was made.
    pub file: Option<String>,
    /// SHA-256 of the file's bytes, in hexadecimal.
    pub checksum: Option<String>,
}

impl Table {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    pub fn column(&self, name: &str) -> Option<&[f64]> {
        let index = self.names.iter().position(|candidate| candidate == name)?;
        Some(&self.columns[index])
    }
}
