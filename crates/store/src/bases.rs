//! The bases on which protected businesses are approached: the law's for a whole round, or a business's own consent.
//!
//! A business that the register protects from advertising is invited by no channel while no basis is recorded. When the last
//! basis of one ends, its invitation is barred at once: what waits is cancelled, and no list has it any more.
use domain::fieldwork::RoundState;
use domain::ids::{BusinessId, InvitationId, JobId, MunicipalityId, RoundId, UserId};
use domain::secrets::Keys;
use domain::sending::NO_BASIS;
use domain::time::Millis;

use crate::sql::{call, columns, statements};
use crate::{Result, Store, StoreError, audit, rounds};

/// Does a basis hold for the business of frame row f in the round of this expression?
macro_rules! permitted {
    ($round:literal) => {
        concat!(
            "(f.protected_at is null or exists (select 1 from contact_bases k where k.round_id = ",
            $round,
            " and k.ended_at is null and (k.business_id is null or k.business_id = f.business_id)))"
        )
    };
}
pub(crate) use permitted;

/// Invitations of round $1 that stand for a protected business without a basis.
macro_rules! without_basis {
    () => {
        concat!(
            "select x.invitation_id from invitation_businesses x join rounds r on r.id = x.round_id
                join frame_rows f on f.import_id = r.import_id and f.business_id = x.business_id
                where x.round_id = $1 and not ",
            permitted!("$1")
        )
    };
}

statements! {
    ADD = "insert into contact_bases (id, municipality_id, round_id, business_id, words, given_by, given_on, recorded_by, recorded_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    END = "update contact_bases set ended_at = $4, ended_by = $5 where id = $1 and municipality_id = $2 and round_id = $3 and ended_at is null";
    ALL = "select k.id, k.business_id, b.unit_key, f.name, k.words, k.given_by, k.given_on, u.name, k.recorded_at, v.name, k.ended_at
        from contact_bases k
        join rounds r on r.id = k.round_id
        left join businesses b on b.id = k.business_id
        left join frame_rows f on f.business_id = k.business_id
            and f.import_id = coalesce(r.import_id, (select e.id from frame_imports e where e.municipality_id = r.municipality_id and e.year = r.year and e.state = 'current'))
        left join users u on u.id = k.recorded_by
        left join users v on v.id = k.ended_by
        where k.round_id = $1 and k.municipality_id = $2 order by k.recorded_at desc, k.id desc";
    UNIT = "select b.id, f.protected_at from businesses b join frame_rows f on f.business_id = b.id
        where b.municipality_id = $1 and f.import_id = $2 and b.unit_key = $3";
    BAR = concat!("update invitations set barred_at = $2 where round_id = $1 and barred_at is null and id in (", without_basis!(), ")");
    UNBAR = concat!("update invitations set barred_at = null where round_id = $1 and barred_at is not null and id not in (", without_basis!(), ")");
    // Claimed ones too: a worker asks again before it names the recipient, and no marker is taken for what is cancelled.
    STOP = "update outbox set state = 'cancelled', words = $3, lease_owner = null, lease_until = null, updated_at = $2
        where round_id = $1 and state in ('pending', 'deferred', 'claimed') and invitation_id in (select id from invitations where round_id = $1 and barred_at is not null)";
    GO_ON = "update outbox set state = 'pending', words = '', next_attempt_at = $2, updated_at = $2
        where round_id = $1 and state = 'cancelled' and words = $3 and invitation_id in (select id from invitations where round_id = $1 and barred_at is null)";
    IS_BARRED = concat!("select case when i.barred_at is not null or exists (
            select 1 from invitation_businesses x join rounds r on r.id = x.round_id
            join frame_rows f on f.import_id = r.import_id and f.business_id = x.business_id
            where x.invitation_id = i.id and not ", permitted!("r.id"), ") then 1 else 0 end from invitations i where i.id = $1");
    BARRED = "select count(*) from invitations where round_id = $1 and barred_at is not null";
    SHARES = concat!("select f.sector, count(*), cast(sum(case when f.protected_at is not null then 1 else 0 end) as bigint),
            cast(sum(case when f.protected_at is not null and ", permitted!("$2"), " then 1 else 0 end) as bigint),
            cast(sum(case when f.protected_at is not null and i.id is not null and i.barred_at is null then 1 else 0 end) as bigint)
        from frame_rows f
        left join invitation_businesses x on x.round_id = $2 and x.business_id = f.business_id
        left join invitations i on i.id = x.invitation_id
        where f.import_id = $1 group by f.sector order by f.sector");
}

/// A basis to be recorded. No `Debug`: it may name a person.
#[derive(Clone)]
pub struct NewBasis<'a> {
    /// The unit key of the business that consented; `None`: the law allows it for the round.
    pub unit: Option<&'a str>,
    /// The statute, or what was consented to.
    pub words: &'a str,
    /// Who decided or consented.
    pub given_by: &'a str,
    /// On which day, `yyyy-mm-dd`.
    pub given_on: &'a str,
    /// Who writes it down.
    pub recorded_by: Option<&'a UserId>,
}

/// A basis as it was recorded. No `Debug`: it may name a person.
#[derive(Clone, PartialEq, Eq)]
pub struct Basis {
    /// Its id.
    pub id: String,
    /// The business that consented, by key and name; `None`: it holds for the whole round.
    pub business: Option<(String, String)>,
    /// The statute, or what was consented to.
    pub words: String,
    /// Who decided or consented.
    pub given_by: String,
    /// On which day, `yyyy-mm-dd`.
    pub given_on: String,
    /// Who wrote it down; `None`: at the command line.
    pub recorded_by: Option<String>,
    /// When.
    pub recorded_at: Millis,
    /// Who ended it.
    pub ended_by: Option<String>,
    /// When it ended.
    pub ended_at: Option<Millis>,
}

/// Protected businesses of a sector.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ProtectedShare {
    /// Key of the sector.
    pub sector: String,
    /// Businesses in the frame.
    pub businesses: u64,
    /// Of these protected.
    pub protected: u64,
    /// Of these with a basis that holds.
    pub permitted: u64,
    /// Of these invited.
    pub invited: u64,
}

impl Store {
    /// Records a basis. In an open round the businesses that it concerns are invited at once. Returns how many messages that
    /// queued, or let go on.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a business that the year's frame does not have; [`StoreError::State`] for one that is not
    /// protected, while the round is being opened, and without a frame; [`StoreError::RoundClosed`].
    pub async fn record_basis(
        &self,
        municipality: &MunicipalityId,
        round: &RoundId,
        basis: &NewBasis<'_>,
        keys: &Keys,
        mail_domain: &str,
        now: Millis,
    ) -> Result<u64> {
        let (m, r) = (municipality.as_str(), round.as_str());
        let mut tx = self.begin().await?;
        crate::frames::lock(&mut tx, municipality).await?;
        let found = rounds::load(&mut tx, municipality, round).await?;
        match found.state {
            RoundState::Closed => return Err(StoreError::RoundClosed),
            RoundState::Opening => return Err(StoreError::State("the round is being opened")),
            RoundState::Draft | RoundState::Open => {}
        }
        let business = match basis.unit {
            None => None,
            Some(unit) => {
                let frame = match &found.frame {
                    Some(frame) => Some(frame.clone()),
                    None => crate::frames::current(&mut tx, municipality, found.year).await?,
                };
                let frame = frame.ok_or(StoreError::State("the year has no frame"))?;
                let row = call(UNIT).text(m).text(frame.as_str()).text(unit).row(&mut tx, "business").await?;
                let mut c = columns(&row);
                let business = BusinessId(c.text()?);
                if !c.flag()? {
                    return Err(StoreError::State("the business is not protected"));
                }
                Some(business)
            }
        };
        let id = JobId::new(now).0;
        call(ADD)
            .text(&id)
            .text(m)
            .text(r)
            .maybe(business.as_ref().map(BusinessId::as_str))
            .text(basis.words)
            .text(basis.given_by)
            .text(basis.given_on)
            .maybe(basis.recorded_by.map(UserId::as_str))
            .at(now)
            .run(&mut tx)
            .await?;
        let action = if business.is_some() { "basis.consent" } else { "basis.statute" };
        audit::note(&mut tx, municipality, basis.recorded_by, action, r, &id, now).await?;
        call(UNBAR).text(r).run(&mut tx).await?;
        let mut queued = call(GO_ON).text(r).at(now).text(NO_BASIS).run(&mut tx).await?;
        tx.commit().await?;
        if found.state == RoundState::Open {
            queued += self.invite_permitted(municipality, round, keys, mail_domain, now).await?;
        }
        Ok(queued)
    }

    /// Ends a basis: what waits for a business that has no other is cancelled, and nobody approaches it any more. Returns how
    /// many invitations are barred now. `None`: there is no such basis, or it has ended.
    pub async fn end_basis(
        &self,
        municipality: &MunicipalityId,
        round: &RoundId,
        id: &str,
        user: Option<&UserId>,
        now: Millis,
    ) -> Result<Option<u64>> {
        let r = round.as_str();
        let mut tx = self.begin().await?;
        let end = call(END).text(id).text(municipality.as_str()).text(r).at(now).maybe(user.map(UserId::as_str));
        if end.run(&mut tx).await? == 0 {
            return Ok(None);
        }
        call(BAR).text(r).at(now).run(&mut tx).await?;
        call(STOP).text(r).at(now).text(NO_BASIS).run(&mut tx).await?;
        let barred = columns(&call(BARRED).text(r).row(&mut tx, "answer").await?).count()?;
        audit::note(&mut tx, municipality, user, "basis.ended", r, id, now).await?;
        tx.commit().await?;
        Ok(Some(barred))
    }

    /// The bases of a round, latest first, ended ones too.
    pub async fn bases(&self, municipality: &MunicipalityId, round: &RoundId) -> Result<Vec<Basis>> {
        let rows = call(ALL).text(round.as_str()).text(municipality.as_str()).rows(&mut *self.read().await?).await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                let id = c.text()?;
                let (business, unit, name) = (c.maybe()?, c.maybe()?, c.maybe()?);
                Ok(Basis {
                    id,
                    business: business.map(|_| (unit.unwrap_or_default(), name.unwrap_or_default())),
                    words: c.text()?,
                    given_by: c.text()?,
                    given_on: c.text()?,
                    recorded_by: c.maybe()?,
                    recorded_at: c.at()?,
                    ended_by: c.maybe()?,
                    ended_at: c.maybe_at()?,
                })
            })
            .collect()
    }

    /// Does the invitation stand for a protected business without a basis that holds? Then nobody approaches it, by no way.
    pub async fn is_barred(&self, invitation: &InvitationId) -> Result<bool> {
        let row = call(IS_BARRED).text(invitation.as_str()).row(&mut *self.read().await?, "invitation").await?;
        columns(&row).yes()
    }

    /// Protected businesses by sector; none before the year has a frame.
    pub async fn protected_shares(
        &self,
        municipality: &MunicipalityId,
        round: &RoundId,
    ) -> Result<Vec<ProtectedShare>> {
        let mut conn = self.read().await?;
        let found = rounds::load(&mut conn, municipality, round).await?;
        let frame = match found.frame {
            Some(frame) => Some(frame),
            None => crate::frames::current(&mut conn, municipality, found.year).await?,
        };
        let Some(frame) = frame else { return Ok(Vec::new()) };
        let rows = call(SHARES).text(frame.as_str()).text(round.as_str()).rows(&mut conn).await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok(ProtectedShare {
                    sector: c.text()?,
                    businesses: c.count()?,
                    protected: c.count()?,
                    permitted: c.count()?,
                    invited: c.count()?,
                })
            })
            .collect()
    }
}
