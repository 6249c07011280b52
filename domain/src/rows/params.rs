//! Values of parameters that are kept in the database.

use serde::{Deserialize, Serialize};

use crate::{
    ids::OperatorId,
    params::{Param, Value},
    scope::Scope,
    time::Timestamp,
};

/// Which value: it replaces what a rule file sets for the same parameter and scope.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ParamKey {
    /// The parameter.
    pub param: Param,
    /// Where it is set.
    pub scope: Scope,
}

/// A value with its origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetParam {
    /// The value.
    pub value: Value,
    /// Who set it.
    pub by: OperatorId,
    /// When.
    pub at: Timestamp,
}
