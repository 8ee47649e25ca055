//! Parquet: columns with types, compressed, in groups of rows, so that no more than one of them is in memory.

use super::{ExportError, row::Row};
use chrono::{DateTime, Utc};
use parquet::{
    basic::Compression,
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int64Type},
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::parser::parse_message_type,
};
use std::sync::Arc;

/// The columns, in the order in which they are written below.
const SCHEMA: &str = "message trawl {
    required int64 id;
    required int64 area_id;
    required binary area (STRING);
    required int64 gitlab_id;
    optional int64 iid;
    required binary title (STRING);
    optional binary state (STRING);
    optional binary author (STRING);
    optional int64 created_at (TIMESTAMP(MICROS,true));
    optional int64 updated_at (TIMESTAMP(MICROS,true));
    optional int64 closed_at (TIMESTAMP(MICROS,true));
    optional int64 merged_at (TIMESTAMP(MICROS,true));
    required boolean confidential;
    optional binary web_url (STRING);
    required binary payload (JSON);
}";

/// A file that is being written.
pub(super) struct File(SerializedFileWriter<Vec<u8>>);

impl From<ParquetError> for ExportError {
    fn from(error: ParquetError) -> Self {
        Self::Row(error.to_string())
    }
}

impl File {
    pub(super) fn new() -> Result<Self, ExportError> {
        let schema = Arc::new(parse_message_type(SCHEMA)?);
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        Ok(Self(SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?))
    }

    /// A group of rows; returns what can be sent.
    pub(super) fn write(&mut self, rows: &[Row<'_>]) -> Result<Vec<u8>, ExportError> {
        if !rows.is_empty() {
            let mut group = self.0.next_row_group()?;
            columns(&mut group, rows)?;
            group.close()?;
        }
        self.taken()
    }

    /// The end of the file, without which it cannot be read.
    pub(super) fn end(&mut self) -> Result<Vec<u8>, ExportError> {
        self.0.finish()?;
        self.taken()
    }

    fn taken(&mut self) -> Result<Vec<u8>, ExportError> {
        self.0.flush().map_err(|error| ExportError::Row(error.to_string()))?;
        Ok(std::mem::take(self.0.inner_mut()))
    }
}

fn columns(group: &mut SerializedRowGroupWriter<'_, Vec<u8>>, rows: &[Row<'_>]) -> Result<(), ExportError> {
    let micros = |time: Option<DateTime<Utc>>| time.map(|time| time.timestamp_micros());
    required::<Int64Type>(group, rows.iter().map(|row| row.object.id))?;
    required::<Int64Type>(group, rows.iter().map(|row| row.object.area_id))?;
    required::<ByteArrayType>(group, rows.iter().map(|row| row.area.into()))?;
    required::<Int64Type>(group, rows.iter().map(|row| row.object.gitlab_id))?;
    optional::<Int64Type>(group, rows.iter().map(|row| row.object.iid))?;
    required::<ByteArrayType>(group, rows.iter().map(|row| row.object.title.as_str().into()))?;
    texts(group, rows.iter().map(|row| row.object.state.as_deref()))?;
    texts(group, rows.iter().map(|row| row.object.author.as_deref()))?;
    optional::<Int64Type>(group, rows.iter().map(|row| micros(row.object.created_at())))?;
    optional::<Int64Type>(group, rows.iter().map(|row| micros(row.object.updated_at())))?;
    optional::<Int64Type>(group, rows.iter().map(|row| micros(row.object.closed_at())))?;
    optional::<Int64Type>(group, rows.iter().map(|row| micros(row.object.merged_at())))?;
    required::<BoolType>(group, rows.iter().map(|row| row.object.confidential))?;
    texts(group, rows.iter().map(|row| row.object.web_url.as_deref()))?;
    required::<ByteArrayType>(group, rows.iter().map(|row| row.object.payload.as_str().into()))
}

fn texts<'a>(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    values: impl Iterator<Item = Option<&'a str>>,
) -> Result<(), ExportError> {
    optional::<ByteArrayType>(group, values.map(|text| text.map(ByteArray::from)))
}

fn required<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    values: impl Iterator<Item = T::T>,
) -> Result<(), ExportError> {
    column::<T>(group, &values.collect::<Vec<_>>(), None)
}

fn optional<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    values: impl Iterator<Item = Option<T::T>>,
) -> Result<(), ExportError> {
    let values: Vec<_> = values.collect();
    let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
    column::<T>(group, &values.into_iter().flatten().collect::<Vec<_>>(), Some(&levels))
}

fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    values: &[T::T],
    levels: Option<&[i16]>,
) -> Result<(), ExportError> {
    let Some(mut column) = group.next_column()? else {
        return Err(ExportError::Row("there are more values than columns".to_owned()));
    };
    column.typed::<T>().write_batch(values, levels, None)?;
    column.close()?;
    Ok(())
}
