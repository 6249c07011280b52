//! The values of parameters that are kept in the database, for whoever looks from outside of the
//! loop.

use domain::{
    params::{Param, Value},
    rows::{ParamKey, SetParam},
    scope::{ParamTable, Scope},
};
use store::reader::Reader;

use crate::config::Installation;

/// The values in the site's database; none where there is no database yet.
pub(crate) async fn kept(installation: &Installation) -> anyhow::Result<Vec<(ParamKey, SetParam)>> {
    let database = installation.database();
    if !database.exists() {
        return Ok(Vec::new());
    }
    let reader = Reader::open(&database).await?;
    let kept = reader.params().await?;
    reader.close().await;
    Ok(kept)
}

/// The same as the load checks take them.
pub(crate) fn of(kept: &[(ParamKey, SetParam)]) -> Vec<(Param, Scope, Value)> {
    kept.iter().map(|(key, row)| (key.param, key.scope.clone(), row.value.clone())).collect()
}

/// The values of rule files with those of the database above them.
pub(crate) fn above(files: &ParamTable, kept: &[(ParamKey, SetParam)]) -> ParamTable {
    let mut values = files.clone();
    for (param, scope, value) in of(kept) {
        values.set(param, scope, value);
    }
    values
}
