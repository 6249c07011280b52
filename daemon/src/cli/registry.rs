//! What can be asked about people and what they carry. What is asked of a daemon is written to its
//! socket as it stands here.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use domain::{registry::Catalogue, rows::FileName};
use serde::{Deserialize, Serialize};

use super::{
    Signature,
    passes::{Cancelled, HandedOn, OnePass, Rests},
};

/// An order of an operator at a site.
#[derive(Debug, Args)]
pub(crate) struct Ordered<T: Args> {
    /// The site's folder.
    #[arg(value_name = "DIR")]
    pub(crate) site: PathBuf,
    /// What.
    #[command(flatten)]
    pub(crate) asked: T,
    /// The same order with the same key is carried out once, however often it is sent within a day.
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Who.
    #[command(flatten)]
    pub(crate) signature: Signature,
}

/// Something to look at.
#[derive(Debug, Args)]
pub(crate) struct Looked<T: Args> {
    /// The site's folder.
    #[arg(value_name = "DIR")]
    pub(crate) site: PathBuf,
    /// What.
    #[command(flatten)]
    pub(crate) asked: T,
}

/// What can be done about members.
#[derive(Debug, Subcommand)]
pub(crate) enum MemberCommand {
    /// Register somebody; the next number is taken where none is given.
    #[command(after_help = "Example:
  kari member add my-pool --name 'ნინო ბერიძე' --birth 1990-05-17 --phone 555123456 \\
      --operator levan --terminal desk-1

Names in Georgian, Armenian and Russian are written in Latin letters as passports write them,
unless `--latin` says otherwise.")]
    Add(Ordered<AddMember>),
    /// Change what is known of somebody; what is not named stays.
    #[command(after_help = "Examples:
  kari member set my-pool 17 --phone 555123456 --phone +37410123456 --operator … --terminal …
  kari member set my-pool 17 --email '' --operator … --terminal …      no e-mail any more")]
    Set(Ordered<SetMember>),
    /// Show somebody.
    Show(Looked<Member>),
    /// Find people by number, name in either script, phone, e-mail, or what a reader reports.
    #[command(after_help = "Examples:
  kari member find my-pool 'nin ber'
  kari member find my-pool 555123456")]
    Find(Looked<Text>),
    /// Let somebody in no more, until a day or until somebody lifts it.
    Ban(Ordered<Ban>),
    /// Lift a house ban or a block.
    Unban(Ordered<Because>),
    /// Note a document, or take one off the list.
    #[command(after_help = "Examples:
  kari member document my-pool 17 --kind medical_certificate --until 2027-03-01 \\
      --file scan.pdf --operator levan --terminal desk-1
  kari member document my-pool 17 --remove 2 --operator …              the second of `show`")]
    Document(Ordered<DocumentArgs>),
    /// Keep a photo, or remove it.
    Photo(Ordered<Photo>),
    /// Say which member may pick a child up, or no longer.
    Guardian(Ordered<Guardian>),
    /// Say who else may pick a child up, or no longer.
    Pickup(Ordered<PickupArgs>),
}

/// A member.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub(crate) struct Member {
    /// The member's number.
    pub(crate) member: u32,
}

/// Some words.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub(crate) struct Text {
    /// A number, the beginnings of names, a phone, an e-mail address, or a band.
    pub(crate) text: String,
}

/// Somebody new.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub(crate) struct AddMember {
    /// The number.
    #[arg(long)]
    pub(crate) number: Option<u32>,
    /// What is known.
    #[command(flatten)]
    pub(crate) known: Known,
}

/// What changes of somebody.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub(crate) struct SetMember {
    /// The member's number.
    pub(crate) member: u32,
    /// What is known.
    #[command(flatten)]
    pub(crate) known: Known,
}

/// What is known of somebody; what is not given stays as it is.
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
pub(crate) struct Known {
    /// The name in its own script.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// The name in Latin letters.
    #[arg(long, value_name = "NAME")]
    pub(crate) latin: Option<String>,
    /// The birth date.
    #[arg(long, value_name = "DATE")]
    pub(crate) birth: Option<String>,
    /// The language: ka, hy, ru or en.
    #[arg(long, value_name = "TAG")]
    pub(crate) language: Option<String>,
    /// A phone; may be given several times, and replaces those known.
    #[arg(long = "phone", value_name = "NUMBER")]
    pub(crate) phones: Option<Vec<String>>,
    /// The e-mail address.
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// A group; may be given several times, and replaces those known.
    #[arg(long = "group", value_name = "ID")]
    pub(crate) groups: Option<Vec<String>>,
    /// What the desk shall know; no matters of health.
    #[arg(long, value_name = "TEXT")]
    pub(crate) notes: Option<String>,
    /// Moves with difficulty: more time at gates, and no hold.
    #[arg(long, value_name = "true|false")]
    pub(crate) reduced_mobility: Option<bool>,
    /// A medical condition is known: no hold.
    #[arg(long, value_name = "true|false")]
    pub(crate) medical: Option<bool>,
}

/// A house ban.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub(crate) struct Ban {
    /// The member's number.
    pub(crate) member: u32,
    /// Its first day; today where none is given.
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<String>,
    /// Its last day; without one it has no end.
    #[arg(long, value_name = "DATE")]
    pub(crate) until: Option<String>,
    /// Why.
    #[arg(long)]
    pub(crate) reason: String,
}

/// A member, and why.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub(crate) struct Because {
    /// The member's number.
    pub(crate) member: u32,
    /// Why.
    #[arg(long)]
    pub(crate) reason: String,
}

/// A document.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub(crate) struct DocumentArgs {
    /// The member's number.
    pub(crate) member: u32,
    /// What it is: medical_certificate, identity, birth, consent, entitlement, contract, other.
    #[arg(long, required_unless_present = "remove")]
    pub(crate) kind: Option<String>,
    /// Its number.
    #[arg(long, default_value = "")]
    pub(crate) number: String,
    /// Its first day.
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<String>,
    /// Its last day.
    #[arg(long, value_name = "DATE")]
    pub(crate) until: Option<String>,
    /// A copy: jpg, png, webp or pdf.
    #[arg(long)]
    #[serde(skip)]
    pub(crate) file: Option<PathBuf>,
    /// Where the copy is kept.
    #[arg(skip)]
    pub(crate) kept: Option<FileName>,
    /// Take this one off the list, by its place in `show`.
    #[arg(long, value_name = "PLACE", conflicts_with_all = ["kind", "file", "from", "until"])]
    pub(crate) remove: Option<usize>,
}

/// A photo.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub(crate) struct Photo {
    /// The member's number.
    pub(crate) member: u32,
    /// The photo: jpg, png or webp.
    #[arg(required_unless_present = "remove")]
    #[serde(skip)]
    pub(crate) file: Option<PathBuf>,
    /// Where it is kept.
    #[arg(skip)]
    pub(crate) kept: Option<FileName>,
    /// Remove it.
    #[arg(long, conflicts_with = "file")]
    pub(crate) remove: bool,
}

/// A guardian.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub(crate) struct Guardian {
    /// The child's number.
    pub(crate) child: u32,
    /// The guardian's number.
    pub(crate) guardian: u32,
    /// No longer.
    #[arg(long)]
    pub(crate) remove: bool,
}

/// Somebody who may pick a child up and is no member.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub(crate) struct PickupArgs {
    /// The child's number.
    pub(crate) member: u32,
    /// The name.
    #[arg(long, required_unless_present = "remove")]
    pub(crate) name: Option<String>,
    /// The phone.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) phone: Option<String>,
    /// Who it is to the child.
    #[arg(long, default_value = "")]
    pub(crate) relation: String,
    /// The last day.
    #[arg(long, value_name = "DATE")]
    pub(crate) until: Option<String>,
    /// Take this one off the list, by its place in `show`.
    #[arg(long, value_name = "PLACE", conflicts_with = "name")]
    pub(crate) remove: Option<usize>,
}

/// What can be done about bands, cards and tickets.
#[derive(Debug, Subcommand)]
pub(crate) enum CredentialCommand {
    /// Give one out. A ticket without a number gets one that nobody guesses.
    #[command(after_help = "Examples:
  kari credential issue my-pool 17 04A2B3C4 --operator levan --terminal desk-1
  kari credential issue my-pool 17 --kind ticket --until 2026-09-30 --operator …
  kari credential issue my-pool 17 04A2B3C5 --kind party_card --party-size 12 --operator …")]
    Issue(Ordered<Issue>),
    /// Take one back, after its holder left.
    Return(Ordered<Media>),
    /// Report it lost.
    Lost(Ordered<Media>),
    /// Report it stolen.
    Stolen(Ordered<Media>),
    /// Block it.
    Block(Ordered<Media>),
    /// Let it count again.
    Unblock(Ordered<Media>),
    /// Give another one out in the place of one that is lost, with the visit that is open on it.
    #[command(after_help = "Example:
  kari credential replace my-pool 04A2B3C4 04A2B3C9 --operator levan --terminal desk-1")]
    Replace(Ordered<Replace>),
    /// Who held it, and what became of it.
    History(Looked<Uid>),
}

/// A band, card or ticket.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub(crate) struct Uid {
    /// What a reader reports of it.
    pub(crate) uid: String,
}

/// A band, card or ticket, and why.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub(crate) struct Media {
    /// What a reader reports of it.
    pub(crate) uid: String,
    /// Why.
    #[arg(long, default_value = "")]
    pub(crate) reason: String,
}

/// One that is given out.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub(crate) struct Issue {
    /// The member's number.
    pub(crate) member: u32,
    /// What a reader reports of it; a ticket may go without.
    pub(crate) uid: Option<String>,
    /// What it is: band, card, ticket, party_card.
    #[arg(long, default_value = "band")]
    pub(crate) kind: String,
    /// Its first day.
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<String>,
    /// Its last day.
    #[arg(long, value_name = "DATE")]
    pub(crate) until: Option<String>,
    /// How many people may be inside on it.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(crate) party_size: u16,
    /// Its holder counts as an adult.
    #[arg(long)]
    pub(crate) adult: bool,
    /// The number of the member whose guest its holder is.
    #[arg(long, value_name = "MEMBER")]
    pub(crate) host: Option<u32>,
    /// Why.
    #[arg(long, default_value = "")]
    pub(crate) reason: String,
}

/// One in the place of another.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub(crate) struct Replace {
    /// What a reader reports of the old one.
    pub(crate) uid: String,
    /// What it reports of the new one.
    pub(crate) with: String,
    /// Why.
    #[arg(long, default_value = "")]
    pub(crate) reason: String,
}

/// What can be done about families.
#[derive(Debug, Subcommand)]
pub(crate) enum FamilyCommand {
    /// Join the family of somebody, which begins with that where there is none.
    #[command(after_help = "Example:
  kari family join my-pool 18 17 --operator levan --terminal desk-1    18 joins 17")]
    Join(Ordered<Join>),
    /// Leave the family.
    Leave(Ordered<Member>),
}

/// Two members.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub(crate) struct Join {
    /// Who joins, by number.
    pub(crate) member: u32,
    /// Whose family, by number.
    pub(crate) with: u32,
}

/// What can be done about exemptions.
#[derive(Debug, Subcommand)]
pub(crate) enum ExemptionCommand {
    /// Grant one to a member or a group.
    #[command(after_help = "Example:
  kari exemption grant my-pool --member 17 --code SUPERVISION_REQUIRED --zone pool \\
      --until 2026-12-31 --reason 'with a coach' --operator levan --terminal desk-1")]
    Grant(Ordered<Grant>),
    /// End one now.
    End(Ordered<ExemptionArg>),
    /// List them all.
    List(Looked<Nothing>),
}

/// Nothing more.
#[derive(Clone, Debug, Args)]
pub(crate) struct Nothing {}

/// An exemption.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub(crate) struct ExemptionArg {
    /// Its id, as `kari exemption list` shows it.
    pub(crate) id: String,
}

/// An exemption that is granted.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub(crate) struct Grant {
    /// For a member, by number.
    #[arg(long, required_unless_present = "group", conflicts_with = "group")]
    pub(crate) member: Option<u32>,
    /// For a group.
    #[arg(long, value_name = "ID")]
    pub(crate) group: Option<String>,
    /// The code of a reason; may be given several times.
    #[arg(long = "code", required = true, value_name = "CODE")]
    pub(crate) codes: Vec<String>,
    /// A zone; may be given several times; everywhere where none is.
    #[arg(long = "zone", value_name = "ID")]
    pub(crate) zones: Vec<String>,
    /// Its first day; today where none is given.
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<String>,
    /// Its last day.
    #[arg(long, value_name = "DATE")]
    pub(crate) until: String,
    /// Why.
    #[arg(long)]
    pub(crate) reason: String,
}

/// A change, as it is sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub(crate) enum Change {
    /// Somebody new.
    Add(AddMember),
    /// What is known of somebody.
    Set(SetMember),
    /// A house ban.
    Ban(Ban),
    /// Its end.
    Unban(Because),
    /// A document.
    Document(DocumentArgs),
    /// A photo.
    Photo(Photo),
    /// A guardian.
    Guardian(Guardian),
    /// Somebody else who picks up.
    Pickup(PickupArgs),
    /// A credential is given out.
    Issue(Issue),
    /// Given back.
    Return(Media),
    /// Lost.
    Lost(Media),
    /// Stolen.
    Stolen(Media),
    /// Blocked.
    Block(Media),
    /// No longer blocked.
    Unblock(Media),
    /// Another one in its place.
    Replace(Replace),
    /// Into a family.
    Join(Join),
    /// Out of it.
    Leave(Member),
    /// What is sold.
    Catalogue(Box<Catalogue>),
    /// A pass rests.
    Freeze(Rests),
    /// It goes on.
    Unfreeze(OnePass),
    /// A visit goes back to it.
    GiveBack(OnePass),
    /// It is handed on.
    Transfer(HandedOn),
    /// It ends.
    Cancel(Cancelled),
    /// An exemption.
    Grant(Grant),
    /// Its end.
    EndExemption(ExemptionArg),
}
