//! Cedar: each reason is a policy that forbids; an answer names those that hold.

use std::{collections::HashMap, hint::black_box};

use anyhow::{Context as _, Result, bail};
use cedar_policy::{
    Authorizer, Context, Entities, EntityUid, PolicyId, PolicySet, Request, Response,
    RestrictedExpression,
};
use domain::facts::{EventKind, Question};

use super::{Kinds, Peer};
use crate::{
    input::{Plain, Reads},
    told::Told,
};

pub(crate) struct Cedar {
    authorizer: Authorizer,
    entities: Entities,
    member: EntityUid,
    gate: EntityUid,
    kinds: Kinds<Policies>,
}

struct Policies {
    set: PolicySet,
    action: EntityUid,
    reads: Reads,
    names: Vec<&'static str>,
    /// Class and code, read from the annotations once.
    told: HashMap<PolicyId, (String, String)>,
}

impl Policies {
    fn new(kind: EventKind, text: &str) -> Result<Self> {
        let set: PolicySet = text.parse()?;
        let mut told = HashMap::new();
        for policy in set.policies() {
            if let (Some(class), Some(code)) =
                (policy.annotation("class"), policy.annotation("code"))
            {
                told.insert(policy.id().clone(), (class.to_owned(), code.to_owned()));
            }
        }
        let reads = Reads::of(text);
        let action = format!("Action::\"{}\"", kind.name()).parse()?;
        Ok(Self { set, action, names: reads.names(), reads, told })
    }
}

impl Cedar {
    pub(crate) fn new() -> Result<Self> {
        let texts =
            [include_str!("../../policies/entry.cedar"), include_str!("../../policies/exit.cedar")];
        Ok(Self {
            authorizer: Authorizer::new(),
            entities: Entities::empty(),
            member: "Member::\"asks\"".parse()?,
            gate: "Gate::\"asked\"".parse()?,
            kinds: Kinds::of(texts[0], texts[1], Policies::new)?,
        })
    }

    fn answer(&self, question: &Question<'_>) -> Result<Response> {
        let policies = self.kinds.get(question.kind);
        let mut pairs = Vec::with_capacity(policies.names.len());
        let mut names = policies.names.iter();
        policies.reads.each(question, |value| {
            let name = names.next().copied().unwrap_or_default();
            let value = match value {
                // Cedar knows no null; no policy asks for what may be missing.
                Plain::None => return,
                Plain::Bool(yes) => RestrictedExpression::new_bool(yes),
                Plain::Int(number) => RestrictedExpression::new_long(number),
                Plain::Word(word) => RestrictedExpression::new_string(word.to_owned()),
            };
            pairs.push((name.to_owned(), value));
        });
        let context = Context::from_pairs(pairs)?;
        let (principal, resource) = (self.member.clone(), self.gate.clone());
        let request = Request::new(principal, policies.action.clone(), resource, context, None)?;
        Ok(self.authorizer.is_authorized(&request, &policies.set, &self.entities))
    }
}

impl Peer for Cedar {
    fn name(&self) -> &'static str {
        "cedar-policy"
    }
    fn goal(&self) -> u64 {
        400
    }
    fn tells_details(&self) -> bool {
        false
    }
    fn ask(&self, question: &Question<'_>) -> Result<()> {
        black_box(self.answer(question)?);
        Ok(())
    }
    fn told(&self, question: &Question<'_>) -> Result<Vec<Told>> {
        let response = self.answer(question)?;
        if let Some(error) = response.diagnostics().errors().next() {
            bail!("a policy of Cedar failed: {error}");
        }
        let known = &self.kinds.get(question.kind).told;
        let determining = response.diagnostics().reason();
        // Where nothing forbids, the permission itself determines; it is no reason.
        let reasons = determining.filter(|id| known.contains_key(*id)).map(|id| {
            let (class, code) = known.get(id).context("a policy without a code")?;
            let pairs = [("class", class), ("code", code)];
            Told::of_pairs(pairs.map(|(name, value)| (name.to_owned(), value.clone())))
        });
        reasons.collect()
    }
}
