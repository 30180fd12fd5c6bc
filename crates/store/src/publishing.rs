//! What is about to be published: drafts, frozen in one step, and the whole analyses behind publications.
use domain::ids::{MunicipalityId, PublicationId};
use domain::publishing::{Basis, Choice, Kept, Marks};
use domain::results::Report;
use domain::time::Millis;
use sha2::{Digest, Sha256};
use sqlx::any::AnyRow;

use crate::results::{self, NewPublication, PublicationInfo};
use crate::sql::{call, columns, statements, to_json};
use crate::{Result, Store, StoreError};

statements! {
    PUT = "insert into publication_drafts (municipality_id, year, title, note, foreword, remark, choice, whole, extra, marks, kept, material, made_at, updated_at)
        values ($1, $2, $3, '', $11, $12, $4, $5, $6, $7, $8, $9, $10, $10)
        on conflict (municipality_id, year) do update set choice = excluded.choice, whole = excluded.whole, extra = excluded.extra,
            marks = excluded.marks, kept = excluded.kept, material = excluded.material, made_at = excluded.made_at, updated_at = excluded.updated_at";
    WORD = "update publication_drafts set title = $3, note = $4, foreword = $5, remark = $6, choice = $7, updated_at = $8
        where municipality_id = $1 and year = $2 and updated_at = $9";
    DRAFTS = "select year, title, made_at from publication_drafts where municipality_id = $1 order by year desc";
    DRAFT = "select year, title, note, foreword, remark, choice, whole, extra, kept, material, made_at, updated_at from publication_drafts
        where municipality_id = $1 and year = $2";
    MARKS = "select marks from publication_drafts where municipality_id = $1 and year = $2 and updated_at = $3";
    DROP = "delete from publication_drafts where municipality_id = $1 and year = $2";
    KEEP = "insert into publication_bases (publication_id, whole, marks) values ($1, $2, $3)";
    BASES = "select coalesce(b.whole, p.report), b.marks from publications p left join publication_bases b on b.publication_id = p.id
        where p.municipality_id = $1 order by p.created_at desc, p.id desc";
    BASIS = "select coalesce(b.whole, p.report), b.marks from publications p left join publication_bases b on b.publication_id = p.id
        where p.municipality_id = $1 and p.id = $2";
}

/// Figures that are about to be published.
#[derive(Debug, Clone)]
pub struct NewDraft<'a> {
    /// The year.
    pub year: i32,
    /// Title, where the year has no draft yet.
    pub title: &'a str,
    /// Foreword, where the year has no draft yet.
    pub foreword: &'a str,
    /// Remark on the method, where the year has no draft yet.
    pub remark: &'a str,
    /// What is chosen.
    pub choice: &'a Choice,
    /// The whole analysis.
    pub whole: &'a Report,
    /// What else is frozen with it.
    pub extra: &'a serde_json::Value,
    /// Its answers, sealed.
    pub marks: &'a Marks,
    /// What earlier publications did to it.
    pub kept: Kept,
    /// What it was made from: [`Store::material`].
    pub material: &'a str,
}

/// The words and choices of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftWords<'a> {
    /// Title.
    pub title: &'a str,
    /// What changed since the version before.
    pub note: &'a str,
    /// The foreword.
    pub foreword: &'a str,
    /// The remark on the method.
    pub remark: &'a str,
    /// What is chosen.
    pub choice: &'a Choice,
}

/// A draft in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftInfo {
    /// The year.
    pub year: i32,
    /// Title.
    pub title: String,
    /// When its figures were computed.
    pub made_at: Millis,
}

/// A draft.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The year.
    pub year: i32,
    /// Title.
    pub title: String,
    /// What changed since the version before.
    pub note: String,
    /// The foreword.
    pub foreword: String,
    /// The remark on the method.
    pub remark: String,
    /// What is chosen.
    pub choice: Choice,
    /// The whole analysis.
    pub whole: Report,
    /// What else is frozen with it.
    pub extra: serde_json::Value,
    /// What earlier publications did to it.
    pub kept: Kept,
    /// What it was made from.
    pub material: String,
    /// When its figures were computed.
    pub made_at: Millis,
    /// When it was changed last: who freezes it names what they have seen.
    pub updated_at: Millis,
}

impl Draft {
    /// What is frozen with the figures, words included.
    #[must_use]
    pub fn frozen_extra(&self) -> serde_json::Value {
        with_words(&self.extra, &self.foreword, &self.remark)
    }
}

/// What is frozen beside the figures, with foreword and remark.
fn with_words(extra: &serde_json::Value, foreword: &str, remark: &str) -> serde_json::Value {
    let mut extra = extra.clone();
    if let Some(fields) = extra.as_object_mut() {
        for (name, words) in [("foreword", foreword), ("remark", remark)] {
            if !words.trim().is_empty() {
                fields.insert(name.to_owned(), words.trim().into());
            }
        }
    }
    extra
}

impl Store {
    /// What a publication of a year is made from, in one word: another word, and a draft made before is out of date.
    pub async fn material(&self, municipality: &MunicipalityId, year: i32) -> Result<String> {
        let mut hash = Sha256::new();
        for version in self.data_version(municipality).await?.into_iter().filter(|v| v.year <= year) {
            hash.update(format!("{} {} {} {}\n", version.year, version.responses, version.changed, version.frame));
        }
        for quote in self.quotes(municipality, year).await? {
            hash.update(format!("{} {}\n", quote.response, quote.words));
        }
        for publication in self.publications(municipality).await? {
            hash.update(format!("{}\n", publication.id));
        }
        Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Keeps figures that are about to be published; the words of the year's draft stay.
    pub async fn put_draft(&self, municipality: &MunicipalityId, draft: &NewDraft<'_>, now: Millis) -> Result<()> {
        let mut tx = self.begin().await?;
        call(PUT)
            .text(municipality.as_str())
            .int(draft.year.into())
            .text(draft.title)
            .text(&to_json("choice", draft.choice)?)
            .text(&to_json("report", draft.whole)?)
            .text(&to_json("report", draft.extra)?)
            .text(&to_json("marks", draft.marks)?)
            .text(&to_json("kept", &draft.kept)?)
            .text(draft.material)
            .at(now)
            .text(draft.foreword)
            .text(draft.remark)
            .run(&mut tx)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Keeps the words and choices of a draft as it was at `seen`. `false`: it was changed since, or is gone.
    pub async fn word_draft(
        &self,
        municipality: &MunicipalityId,
        year: i32,
        words: &DraftWords<'_>,
        seen: Millis,
        now: Millis,
    ) -> Result<bool> {
        let mut tx = self.begin().await?;
        let ours = call(WORD)
            .text(municipality.as_str())
            .int(year.into())
            .text(words.title)
            .text(words.note)
            .text(words.foreword)
            .text(words.remark)
            .text(&to_json("choice", words.choice)?)
            .at(now)
            .at(seen)
            .run(&mut tx)
            .await?
            == 1;
        tx.commit().await?;
        Ok(ours)
    }

    /// All drafts, newest year first.
    pub async fn publication_drafts(&self, municipality: &MunicipalityId) -> Result<Vec<DraftInfo>> {
        let rows = call(DRAFTS).text(municipality.as_str()).rows(&mut *self.read().await?).await?;
        let info = |row: &AnyRow| {
            let mut c = columns(row);
            Ok(DraftInfo { year: c.year()?, title: c.text()?, made_at: c.at()? })
        };
        rows.iter().map(info).collect()
    }

    /// The draft of a year; `NotFound` when there is none.
    pub async fn publication_draft(&self, municipality: &MunicipalityId, year: i32) -> Result<Draft> {
        draft(&call(DRAFT).text(municipality.as_str()).int(year.into()).row(&mut *self.read().await?, "draft").await?)
    }

    /// Throws a draft away.
    pub async fn drop_draft(&self, municipality: &MunicipalityId, year: i32) -> Result<()> {
        let mut tx = self.begin().await?;
        call(DROP).text(municipality.as_str()).int(year.into()).run_one(&mut tx, "draft").await?;
        Ok(tx.commit().await?)
    }

    /// Publishes a draft as it was at `seen`: what is chosen becomes the next version of the year, the whole is kept behind it.
    ///
    /// # Errors
    /// [`StoreError::State`] when it was changed since, or what it was made from is another now.
    pub async fn freeze_draft(
        &self,
        municipality: &MunicipalityId,
        year: i32,
        date: &str,
        seen: Millis,
        now: Millis,
    ) -> Result<PublicationInfo> {
        if self.publication_draft(municipality, year).await?.material != self.material(municipality, year).await? {
            return Err(StoreError::State("draft"));
        }
        let mut tx = self.begin().await?;
        let row = call(DRAFT).text(municipality.as_str()).int(year.into()).row(&mut tx, "draft").await?;
        let draft = draft(&row)?;
        let marks = call(MARKS).text(municipality.as_str()).int(year.into()).at(seen).maybe_row(&mut tx).await?;
        let marks = columns(&marks.ok_or(StoreError::State("draft"))?).text()?;
        let publication = NewPublication {
            year,
            date,
            title: &draft.title,
            note: &draft.note,
            report: &draft.choice.cut(&draft.whole),
            extra: &draft.frozen_extra(),
        };
        let info = results::put(&mut tx, municipality, &publication, now).await?;
        call(KEEP).text(info.id.as_str()).text(&to_json("report", &draft.whole)?).text(&marks).run(&mut tx).await?;
        call(DROP).text(municipality.as_str()).int(year.into()).run_one(&mut tx, "draft").await?;
        crate::quotes::published(&mut tx, municipality, year, now).await?;
        tx.commit().await?;
        Ok(info)
    }

    /// What was frozen with every publication, newest first.
    pub async fn publication_bases(&self, municipality: &MunicipalityId) -> Result<Vec<Basis>> {
        let rows = call(BASES).text(municipality.as_str()).rows(&mut *self.read().await?).await?;
        rows.iter().map(basis).collect()
    }

    /// What was frozen with a publication; `NotFound` otherwise.
    pub async fn publication_basis(&self, municipality: &MunicipalityId, id: &PublicationId) -> Result<Basis> {
        let found = call(BASIS).text(municipality.as_str()).text(id.as_str());
        basis(&found.row(&mut *self.read().await?, "publication").await?)
    }
}

fn basis(row: &AnyRow) -> Result<Basis> {
    let mut c = columns(row);
    Ok(Basis { whole: c.json("report")?, marks: c.maybe_json("marks")? })
}

fn draft(row: &AnyRow) -> Result<Draft> {
    let mut c = columns(row);
    Ok(Draft {
        year: c.year()?,
        title: c.text()?,
        note: c.text()?,
        foreword: c.text()?,
        remark: c.text()?,
        choice: c.json("choice")?,
        whole: c.json("report")?,
        extra: c.json("report")?,
        kept: c.json("kept")?,
        material: c.text()?,
        made_at: c.at()?,
        updated_at: c.at()?,
    })
}
