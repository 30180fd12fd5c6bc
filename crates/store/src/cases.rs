//! Closed cases: taken in once each, asked about within the six-months rule, and their sums when no more answers can come.
//!
//! A day's cases are a round of their own kind ([`domain::fieldwork::RoundKind::Cases`]); so mail, links, pages, opting out and
//! closing are those of any round. What an answer is about stands beside the answer, never with the business.
use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::answers::Answers;
use domain::cases::{
    CaseBusiness, CaseSums, ClosedCase, Date, EVERY, MEASURES, Outcome, Quarter, REMINDER_DAYS, last_day, oldest_day,
    rest_since,
};
use domain::fieldwork::RoundState;
use domain::ids::{BusinessId, ImportId, InvitationId, MunicipalityId, QuestionnaireId, RoundId};
use domain::questionnaire::Questionnaire;
use domain::secrets::Keys;
use domain::time::Millis;
use sqlx::AnyConnection;

use crate::rounds::{self, Addressed, Candidate, lately};
use crate::sql::{Call, call, columns, statements};
use crate::{Result, Store, StoreError, frames};

statements! {
    LATEST_FRAME = "select id from frame_imports where municipality_id = $1 and state = 'current' order by year desc limit 1";
    DAYS_ROUND = "select id, state, import_id from rounds where municipality_id = $1 and kind = 'cases' and year = $2";
    ADD_ROUND = "insert into rounds (id, municipality_id, kind, year, title, state, opens_on, closes_on, questionnaire_id, import_id, threshold, cursor, opening_done, opening_total, opened_at, created_at, updated_at)
        values ($1, $2, 'cases', $3, $4, 'open', $5, $6, $7, $8, $9, '', 0, 0, $10, $10, $10)";
    RUNNING = "select id, title, opens_on, closes_on, paused_at, pause_key, pause_reason from rounds
        where municipality_id = $1 and kind = 'cases' and state <> 'closed' order by year desc";
    YEARS = "select distinct year / 10000 from rounds where municipality_id = $1 and kind = 'cases' order by 1";
    RESUME_ALL = "update rounds set paused_at = null, pause_key = null, pause_reason = null, updated_at = $2
        where municipality_id = $1 and kind = 'cases' and state = 'open' and paused_at is not null";
    // Those still missing a week after the first message went out; nobody is reminded of what never came.
    UNREMINDED = "select i.round_id, i.id, i.contact_id, i.generation from invitations i
        join rounds r on r.id = i.round_id
        join contacts c on c.id = i.contact_id
        join businesses b on b.id = i.business_id
        left join panel_links l on l.business_id = i.business_id
        left join responses p on p.round_id = i.round_id and p.panel_id = l.panel_id
        where r.municipality_id = $1 and r.kind = 'cases' and r.state = 'open' and r.paused_at is null and r.closes_on > $2
          and i.opted_out_at is null and i.barred_at is null and b.opted_out_at is null and c.opted_out_at is null and c.suppressed_at is null
          and (p.id is null or p.status not in ('complete', 'withdrawn'))
          and exists (select 1 from outbox o where o.invitation_id = i.id and o.generation = i.generation and o.wave = 0 and o.state = 'sent' and o.sent_at <= $3)
          and not exists (select 1 from outbox o where o.invitation_id = i.id and o.generation = i.generation and o.wave > 0 and o.wave <= 3)
        order by i.round_id, i.id limit 500";
    ARRIVED = "select substr(c.closed_on, 1, 7), c.authority, c.outcome, count(*),
            cast(sum(case when exists (select 1 from outbox o where o.invitation_id = c.invitation_id and o.wave = 0 and o.state = 'sent') then 1 else 0 end) as bigint)
        from cases c where c.municipality_id = $1 group by 1, 2, 3 order by 1, 2, 3";
    ANSWERED = "select substr(a.closed_on, 1, 7), a.authority, count(*) from case_answers a join responses p on p.id = a.response_id
        where a.municipality_id = $1 and p.status in ('partial', 'complete') group by 1, 2 order by 1, 2";
    ABOUT = "select authority, closed_on from cases where invitation_id = $1";
    SAID = "select a.response_id, p.panel_id, a.authority, a.closed_on, w.question_key, w.value
        from case_answers a join responses p on p.id = a.response_id
        left join answers w on w.response_id = a.response_id and w.value is not null
        where a.municipality_id = $1 and a.closed_on >= $2 and a.closed_on <= $3 and p.status in ('partial', 'complete')
        order by a.response_id";
    SUMS = "select quarter, span, authority, measure, cases, answered, respondents, n, businesses, total, squares, crossed, repeats, shown_at
        from case_sums where municipality_id = $1 order by quarter, span, authority, measure";
    FORGET = "update cases set case_id = 'erased:' || id, business_id = null where business_id = $1";
    [bulk 1] KNOWN = "select case_id, authority, closed_on from cases where municipality_id = $1 and case_id in (", "#", ")";
    [bulk 1] BY_UNIT = "select b.unit_key, f.business_id, f.email, f.protected_at, b.opted_out_at from frame_rows f join businesses b on b.id = f.business_id
        where f.import_id = $1 and b.unit_key in (", "#", ")";
    // Of a company's workplaces the one that can be asked, then the largest.
    [bulk 1] BY_COMPANY = "select f.company_number, f.business_id, f.email, f.protected_at, b.opted_out_at from frame_rows f join businesses b on b.id = f.business_id
        where f.import_id = $1 and f.company_number in (", "#", ") order by case when f.protected_at is null then 0 else 1 end,
            case when b.opted_out_at is null then 0 else 1 end, case when f.email is null then 1 else 0 end, f.employees_low desc, b.unit_key";
    [bulk 1] ASKED_TODAY = "select business_id, invitation_id from invitation_businesses where round_id = $1 and business_id in (", "#", ")";
    [bulk 1] CONTACTS_TODAY = "select contact_id from invitations where round_id = $1 and contact_id in (", "#", ")";
    [bulk 2] CONTACTS_LATELY = concat!("select distinct o.contact_id from outbox o where ", lately!("$1"), " and o.round_id <> $2 and o.contact_id in ("), "#", ")";
    [bulk 2] BUSINESSES_LATELY = concat!("select distinct x.business_id from invitation_businesses x join outbox o on o.invitation_id = x.invitation_id
        where ", lately!("$1"), " and x.round_id <> $2 and x.business_id in ("), "#", ")";
    [bulk 2] APPROACHED_LATELY = "select distinct business_id from approaches where wave = 0 and exported_at > $1 and round_id <> $2 and business_id in (", "#", ")";
    [bulk 2] ADD_CASES = "insert into cases (id, municipality_id, case_id, authority, closed_on, business_id, invitation_id, outcome, imported_at) values",
        "(#, $1, #, #, #, #, #, #, $2)", "";
    [bulk 3] ADD_SUMS = "insert into case_sums (municipality_id, quarter, shown_at, span, authority, measure, cases, answered, respondents, n, businesses, total, squares, crossed, repeats) values",
        "($1, $2, cast($3 as bigint) * #, #, #, #, #, #, #, #, #, #, #, #, #)", "on conflict (municipality_id, quarter, span, authority, measure) do nothing";
}

/// Cases of one transaction: a few milliseconds of the writer.
const STEP: usize = 128;

/// What a file's cases are sent with.
pub struct CaseDelivery<'a> {
    /// The cases; their ids differ.
    pub cases: &'a [ClosedCase],
    /// The short questionnaire.
    pub form: &'a Questionnaire,
    /// Title of the day's round.
    pub title: &'a str,
    /// Today, where the municipality is.
    pub today: Date,
    /// For the links.
    pub keys: &'a Keys,
    /// Right-hand side of Message-IDs.
    pub mail_domain: &'a str,
    /// Fewest answers behind a shown figure.
    pub threshold: u32,
}

/// What became of a case in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is new, with its outcome.
    New(Outcome),
    /// It has arrived before, with the same details; nothing was done.
    Known,
    /// It has arrived before with another authority or day, which stay.
    Differs,
}

/// A delivery that is being answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningCases {
    /// Its round.
    pub round: RoundId,
    /// Title.
    pub title: String,
    /// Its day.
    pub opens_on: String,
    /// Last day of answering.
    pub closes_on: String,
    /// Mail stands still.
    pub paused_at: Option<Millis>,
    /// Why, as a key of the texts.
    pub pause_key: Option<String>,
    /// Why, in words.
    pub pause_reason: Option<String>,
}

/// Cases of a quarter and authority, counted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CaseCounts {
    /// By outcome.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Those to whom a message was sent.
    pub sent: u64,
    /// Those that are answered.
    pub answered: u64,
}

impl CaseCounts {
    /// Cases that arrived.
    #[must_use]
    pub fn arrived(&self) -> u64 {
        self.outcomes.values().sum()
    }

    /// Cases of businesses of the register: what figures stand for.
    #[must_use]
    pub fn base(&self) -> u64 {
        self.arrived() - self.outcomes.get(&Outcome::NotInRegister).copied().unwrap_or(0)
    }

    /// Adds another one's.
    pub fn add(&mut self, other: &Self) {
        other.outcomes.iter().for_each(|(outcome, n)| *self.outcomes.entry(*outcome).or_default() += n);
        self.sent += other.sent;
        self.answered += other.answered;
    }
}

/// Sums as they are kept.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptSums {
    /// The quarter, or the last of the four.
    pub quarter: Quarter,
    /// 1 or 4 quarters.
    pub span: u8,
    /// Key of the authority; [`EVERY`].
    pub authority: String,
    /// Key of the measure.
    pub measure: String,
    /// The sums.
    pub sums: CaseSums,
    /// It may be shown: decided once, when the quarter was settled.
    pub is_shown: bool,
}

impl Store {
    /// Takes cases in, each once, and asks about those that may be asked about. In steps, each a transaction; a killed one goes on
    /// when the file comes again. What became of each, in the order given.
    ///
    /// # Errors
    /// [`StoreError::State`] while there is no register extract to find the businesses in.
    pub async fn take_cases(
        &self,
        municipality: &MunicipalityId,
        delivery: &CaseDelivery<'_>,
        now: Millis,
    ) -> Result<Vec<Taken>> {
        let form = self.save_questionnaire(municipality, delivery.form, now).await?;
        self.go_through(municipality, delivery, Some(&form), now).await
    }

    /// What would become of each case; nothing is kept and nobody is asked.
    ///
    /// # Errors
    /// As [`Self::take_cases`].
    pub async fn try_cases(
        &self,
        municipality: &MunicipalityId,
        delivery: &CaseDelivery<'_>,
        now: Millis,
    ) -> Result<Vec<Taken>> {
        self.go_through(municipality, delivery, None, now).await
    }

    /// Without a questionnaire: a trial.
    async fn go_through(
        &self,
        municipality: &MunicipalityId,
        delivery: &CaseDelivery<'_>,
        form: Option<&QuestionnaireId>,
        now: Millis,
    ) -> Result<Vec<Taken>> {
        // The latest case of a business is the one that it remembers.
        let mut order: Vec<usize> = (0..delivery.cases.len()).collect();
        order.sort_by(|a, b| {
            let (a, b) = (&delivery.cases[*a], &delivery.cases[*b]);
            b.closed_on.cmp(&a.closed_on).then_with(|| a.case_id.cmp(&b.case_id))
        });
        let mut taken = vec![Taken::Known; delivery.cases.len()];
        let mut asked = BTreeSet::new();
        for some in order.chunks(STEP) {
            let cases: Vec<&ClosedCase> = some.iter().map(|at| &delivery.cases[*at]).collect();
            let outcomes = self.take_some(municipality, delivery, form, &cases, &mut asked, now).await?;
            for (at, outcome) in some.iter().zip(outcomes) {
                taken[*at] = outcome;
            }
        }
        Ok(taken)
    }

    async fn take_some(
        &self,
        municipality: &MunicipalityId,
        delivery: &CaseDelivery<'_>,
        form: Option<&QuestionnaireId>,
        cases: &[&ClosedCase],
        asked: &mut BTreeSet<String>,
        now: Millis,
    ) -> Result<Vec<Taken>> {
        let m = municipality.as_str();
        let mut tx = self.begin().await?;
        frames::lock(&mut tx, municipality).await?;
        let frame = call(LATEST_FRAME).text(m).maybe_row(&mut tx).await?;
        let frame = ImportId(columns(&frame.ok_or(StoreError::State("there is no register extract yet"))?).text()?);
        let mut known: HashMap<String, (String, String)> = HashMap::new();
        for row in KNOWN.rows(&mut tx, cases, |c| c.text(m), |c, case| c.text(&case.case_id)).await? {
            let mut c = columns(&row);
            known.insert(c.text()?, (c.text()?, c.text()?));
        }
        let new: Vec<&ClosedCase> = cases.iter().copied().filter(|c| !known.contains_key(&c.case_id)).collect();
        let today = Today::of(&mut tx, municipality, delivery.today, frame).await?;
        let outcomes = judge(&mut tx, municipality, &today, &new, delivery.today, asked, now).await?;
        if let Some(form) = form {
            keep(&mut tx, municipality, &today, (&new, &outcomes), form, delivery, now).await?;
            tx.commit().await?;
        }
        let mut fresh = outcomes.iter().map(|judged| Taken::New(judged.outcome));
        let taken = cases.iter().map(|case| match known.get(&case.case_id) {
            None => fresh.next().unwrap_or(Taken::Known),
            Some((authority, day)) if *authority == case.authority && *day == case.closed_on.to_string() => {
                Taken::Known
            }
            Some(_) => Taken::Differs,
        });
        Ok(taken.collect())
    }

    /// The deliveries that are being answered, latest first.
    pub async fn running_cases(&self, municipality: &MunicipalityId) -> Result<Vec<RunningCases>> {
        let rows = call(RUNNING).text(municipality.as_str()).rows(&mut *self.read().await?).await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok(RunningCases {
                    round: RoundId(c.text()?),
                    title: c.text()?,
                    opens_on: c.maybe()?.unwrap_or_default(),
                    closes_on: c.maybe()?.unwrap_or_default(),
                    paused_at: c.maybe_at()?,
                    pause_key: c.maybe()?,
                    pause_reason: c.maybe()?,
                })
            })
            .collect()
    }

    /// The years in which cases were asked about.
    pub async fn case_years(&self, municipality: &MunicipalityId) -> Result<Vec<i32>> {
        let rows = call(YEARS).text(municipality.as_str()).rows(&mut *self.read().await?).await?;
        rows.iter().map(|row| columns(row).year()).collect()
    }

    /// Lets mail about cases go on after a pause.
    pub async fn resume_cases(&self, municipality: &MunicipalityId, now: Millis) -> Result<u64> {
        let mut tx = self.begin().await?;
        let resumed = call(RESUME_ALL).text(municipality.as_str()).at(now).run(&mut tx).await?;
        tx.commit().await?;
        Ok(resumed)
    }

    /// Queues the one reminder to those whose first message went out a week ago and who have not answered. Again: 0.
    pub async fn remind_cases(
        &self,
        municipality: &MunicipalityId,
        today: Date,
        mail_domain: &str,
        now: Millis,
    ) -> Result<u64> {
        let mut tx = self.begin().await?;
        let due = call(UNREMINDED)
            .text(municipality.as_str())
            .text(&today.to_string())
            .at(now.plus_days(-REMINDER_DAYS))
            .rows(&mut tx)
            .await?;
        let mut by_round: BTreeMap<String, Vec<Addressed>> = BTreeMap::new();
        for row in &due {
            let mut c = columns(row);
            let round = c.text()?;
            let to = Addressed { invitation: InvitationId(c.text()?), contact: c.text()?, generation: c.int()? };
            by_round.entry(round).or_default().push(to);
        }
        let mut queued = 0;
        for (round, missing) in by_round {
            queued += rounds::queue(&mut tx, municipality, &RoundId(round), 1, &missing, mail_domain, now).await?;
        }
        tx.commit().await?;
        Ok(queued)
    }

    /// What an invitation asks about: authority and closing day; `None`: the yearly survey.
    pub async fn case_of(&self, invitation: &InvitationId) -> Result<Option<(String, String)>> {
        about(&mut *self.read().await?, invitation).await
    }

    /// Cases by quarter of their closing and authority.
    pub async fn case_counts(&self, municipality: &MunicipalityId) -> Result<BTreeMap<(Quarter, String), CaseCounts>> {
        let mut conn = self.read().await?;
        let mut counts: BTreeMap<(Quarter, String), CaseCounts> = BTreeMap::new();
        for row in call(ARRIVED).text(municipality.as_str()).rows(&mut conn).await? {
            let mut c = columns(&row);
            let own = counts.entry((quarter_of_month(&c.text()?)?, c.text()?)).or_default();
            let (outcome, arrived) = (c.word("case", Outcome::parse)?, c.count()?);
            *own.outcomes.entry(outcome).or_default() += arrived;
            own.sent += c.count()?;
        }
        for row in call(ANSWERED).text(municipality.as_str()).rows(&mut conn).await? {
            let mut c = columns(&row);
            let key = (quarter_of_month(&c.text()?)?, c.text()?);
            counts.entry(key).or_default().answered += c.count()?;
        }
        Ok(counts)
    }

    /// The sums of a quarter and of the four quarters that end with it, by authority and measure, from the answers as they are
    /// now; none are marked as shown.
    pub async fn sum_cases(&self, municipality: &MunicipalityId, quarter: Quarter) -> Result<Vec<KeptSums>> {
        let counts = self.case_counts(municipality).await?;
        let four = quarter.year_before();
        let said = self.case_answers(municipality, four[0].first_day(), quarter.last_day()).await?;
        let mut sums = Vec::new();
        for (span, quarters) in [(1, &four[3..]), (4, &four[..])] {
            let inside = |at: &Quarter| quarters.contains(at);
            let mut authorities: BTreeSet<&str> =
                counts.keys().filter(|(at, _)| inside(at)).map(|(_, authority)| authority.as_str()).collect();
            authorities.insert(EVERY);
            for authority in authorities {
                let is = |own: &str| authority == EVERY || authority == own;
                let cases = counts.iter().filter(|((at, own), _)| inside(at) && is(own)).map(|(_, c)| c.base()).sum();
                for measure in &MEASURES {
                    let values = said
                        .iter()
                        .filter(|a| inside(&a.quarter) && is(&a.authority))
                        .map(|a| (a.panel.as_str(), measure.score(&a.answers)));
                    sums.push(KeptSums {
                        quarter,
                        span,
                        authority: authority.to_owned(),
                        measure: measure.key.to_owned(),
                        sums: CaseSums::of(cases, values),
                        is_shown: false,
                    });
                }
            }
        }
        Ok(sums)
    }

    /// Keeps a quarter's sums for good; what is kept already stays as it is.
    pub async fn keep_case_sums(
        &self,
        municipality: &MunicipalityId,
        quarter: Quarter,
        sums: &[KeptSums],
        now: Millis,
    ) -> Result<u64> {
        let (m, q) = (municipality.as_str(), quarter.to_string());
        let mut tx = self.begin().await?;
        let kept = ADD_SUMS
            .run(
                &mut tx,
                sums,
                |c: Call| c.text(m).text(&q).at(now),
                |c, row| {
                    let s = &row.sums;
                    c.maybe_int(row.is_shown.then_some(1))
                        .int(row.span.into())
                        .text(&row.authority)
                        .text(&row.measure)
                        .count(s.cases)
                        .count(s.answered)
                        .count(s.respondents)
                        .count(s.n)
                        .count(s.businesses)
                        .real(s.total)
                        .real(s.squares)
                        .real(s.crossed)
                        .real(s.repeats)
                },
            )
            .await?;
        tx.commit().await?;
        Ok(kept)
    }

    /// The sums that are kept, by quarter.
    pub async fn case_sums(&self, municipality: &MunicipalityId) -> Result<Vec<KeptSums>> {
        let rows = call(SUMS).text(municipality.as_str()).rows(&mut *self.read().await?).await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok(KeptSums {
                    quarter: c.word("quarter", Quarter::parse)?,
                    span: c.number("span")?,
                    authority: c.text()?,
                    measure: c.text()?,
                    sums: CaseSums {
                        cases: c.count()?,
                        answered: c.count()?,
                        respondents: c.count()?,
                        n: c.count()?,
                        businesses: c.count()?,
                        total: c.real()?,
                        squares: c.real()?,
                        crossed: c.real()?,
                        repeats: c.real()?,
                    },
                    is_shown: c.flag()?,
                })
            })
            .collect()
    }

    async fn case_answers(&self, municipality: &MunicipalityId, from: Date, to: Date) -> Result<Vec<Said>> {
        let said = call(SAID).text(municipality.as_str()).text(&from.to_string()).text(&to.to_string());
        let mut all: Vec<Said> = Vec::new();
        let mut last = String::new();
        for row in said.rows(&mut *self.read().await?).await? {
            let mut c = columns(&row);
            let response = c.text()?;
            let (panel, authority, day) = (c.text()?, c.text()?, c.text()?);
            if response != last {
                let quarter = quarter_of_month(day.get(..7).unwrap_or_default())?;
                all.push(Said { panel, authority, quarter, answers: Answers::default() });
                last = response;
            }
            if let (Some(key), Some(value), Some(said)) = (c.maybe()?, c.maybe()?, all.last_mut()) {
                said.answers.0.insert(key, value);
            }
        }
        Ok(all)
    }
}

/// An answer about a case. No `Debug`: it holds answers.
struct Said {
    panel: String,
    authority: String,
    quarter: Quarter,
    answers: Answers,
}

/// What an invitation asks about, within somebody else's reading.
pub(crate) async fn about(conn: &mut AnyConnection, invitation: &InvitationId) -> Result<Option<(String, String)>> {
    let row = call(ABOUT).text(invitation.as_str()).maybe_row(conn).await?;
    row.map(|row| {
        let mut c = columns(&row);
        Ok((c.text()?, c.text()?))
    })
    .transpose()
}

/// What the register knew of a business's cases goes with it; what it answered stays in sums.
pub(crate) async fn forget(conn: &mut AnyConnection, business: &str) -> Result<()> {
    call(FORGET).text(business).run(conn).await?;
    Ok(())
}

/// `2026-11` → the fourth quarter.
fn quarter_of_month(month: &str) -> Result<Quarter> {
    let day = format!("{month}-01").parse::<Date>();
    day.map(Quarter::of).map_err(|_| crate::sql::corrupt("case", "not a month".to_owned()))
}

/// The day's round, where there is one, and the extract in which businesses are found.
struct Today {
    day: i64,
    round: Option<RoundId>,
    frame: ImportId,
}

impl Today {
    async fn of(conn: &mut AnyConnection, municipality: &MunicipalityId, today: Date, frame: ImportId) -> Result<Self> {
        let day = i64::from(today.year()) * 10_000 + i64::from(today.month()) * 100 + i64::from(today.day());
        let row = call(DAYS_ROUND).text(municipality.as_str()).int(day).maybe_row(conn).await?;
        let Some(row) = row else { return Ok(Self { day, round: None, frame }) };
        let mut c = columns(&row);
        let round = RoundId(c.text()?);
        if c.word("round", RoundState::parse)? != RoundState::Open {
            return Err(StoreError::RoundClosed);
        }
        // An extract that came in between is used from tomorrow on: pages look businesses up in their round's.
        Ok(Self { day, round: Some(round), frame: c.maybe()?.map_or(frame, ImportId) })
    }

    fn round(&self) -> &str {
        self.round.as_ref().map_or("", RoundId::as_str)
    }
}

/// A case with what is to become of it.
struct Judged {
    outcome: Outcome,
    business: Option<BusinessId>,
    address: Option<String>,
}

/// A business of the register.
struct Found {
    business: BusinessId,
    address: Option<String>,
    is_protected: bool,
    opted_out: bool,
}

/// Keeps new cases with what was decided, and asks about them.
async fn keep(
    conn: &mut AnyConnection,
    municipality: &MunicipalityId,
    today: &Today,
    (new, outcomes): (&[&ClosedCase], &[Judged]),
    form: &QuestionnaireId,
    delivery: &CaseDelivery<'_>,
    now: Millis,
) -> Result<()> {
    let asked: Vec<&Judged> = outcomes.iter().filter(|j| j.outcome == Outcome::Asked).collect();
    let invitations = match asked.as_slice() {
        [] => HashMap::new(),
        asked => ask(conn, municipality, today, asked, form, delivery, now).await?,
    };
    let rows: Vec<(InvitationId, &ClosedCase, &Judged)> =
        new.iter().zip(outcomes).map(|(case, judged)| (InvitationId::new(now), *case, judged)).collect();
    ADD_CASES
        .run(
            conn,
            &rows,
            |c| c.text(municipality.as_str()).at(now),
            |c, (id, case, judged)| {
                let business = judged.business.as_ref().map(BusinessId::as_str);
                let invitation = business
                    .filter(|_| judged.outcome == Outcome::Asked)
                    .and_then(|b| invitations.get(b))
                    .map(InvitationId::as_str);
                c.text(id.as_str())
                    .text(&case.case_id)
                    .text(&case.authority)
                    .text(&case.closed_on.to_string())
                    .maybe(business)
                    .maybe(invitation)
                    .text(judged.outcome.as_str())
            },
        )
        .await?;
    Ok(())
}

/// Decides on each case, in the order of [`Outcome::ALL`].
async fn judge(
    conn: &mut AnyConnection,
    municipality: &MunicipalityId,
    today: &Today,
    cases: &[&ClosedCase],
    day: Date,
    earlier: &mut BTreeSet<String>,
    now: Millis,
) -> Result<Vec<Judged>> {
    let found = businesses(conn, &today.frame, cases).await?;
    let ids: Vec<&str> = found.values().map(|f| f.business.as_str()).collect();
    let addresses: BTreeSet<&str> =
        found.values().filter(|f| !f.is_protected && !f.opted_out).filter_map(|f| f.address.as_deref()).collect();
    let contacts = rounds::contacts(conn, municipality, &addresses, now).await?;
    let contact_ids: Vec<&str> = contacts.values().map(|c| c.id.as_str()).collect();
    let (r, since) = (today.round(), rest_since(now));
    let mut busy: BTreeSet<String> = BTreeSet::new();
    for row in CONTACTS_LATELY.rows(conn, &contact_ids, |c| c.at(since).text(r), |c, id| c.text(id)).await? {
        busy.insert(columns(&row).text()?);
    }
    for bulk in [&BUSINESSES_LATELY, &APPROACHED_LATELY] {
        for row in bulk.rows(conn, &ids, |c| c.at(since).text(r), |c, id| c.text(id)).await? {
            busy.insert(columns(&row).text()?);
        }
    }
    let mut asked: BTreeSet<String> = BTreeSet::new();
    for row in ASKED_TODAY.rows(conn, &ids, |c| c.text(r), |c, id| c.text(id)).await? {
        asked.insert(columns(&row).text()?);
    }
    for row in CONTACTS_TODAY.rows(conn, &contact_ids, |c| c.text(r), |c, id| c.text(id)).await? {
        asked.insert(columns(&row).text()?);
    }
    let oldest = oldest_day(day);
    let mut judged = Vec::with_capacity(cases.len());
    for case in cases {
        let Some(business) = found.get(key(&case.business)).or_else(|| found.get(other_key(&case.business))) else {
            judged.push(Judged { outcome: Outcome::NotInRegister, business: None, address: None });
            continue;
        };
        let contact = business.address.as_deref().and_then(|a| contacts.get(a));
        let is_in = |set: &BTreeSet<String>| {
            set.contains(business.business.as_str())
                || contact.is_some_and(|c| set.contains(&c.id))
                || business.address.as_ref().is_some_and(|a| set.contains(a))
        };
        let outcome = match contact {
            _ if case.closed_on < oldest => Outcome::TooOld,
            _ if business.is_protected => Outcome::Protected,
            _ if business.opted_out => Outcome::OptedOut,
            None => Outcome::NoAddress,
            Some(contact) if contact.opted_out => Outcome::OptedOut,
            Some(contact) if contact.suppressed => Outcome::NoAddress,
            Some(_) if is_in(&busy) => Outcome::Lately,
            Some(_) if is_in(&asked) || is_in(earlier) => Outcome::OtherCase,
            Some(_) => {
                earlier.insert(business.business.0.clone());
                earlier.extend(business.address.clone());
                Outcome::Asked
            }
        };
        judged.push(Judged { outcome, business: Some(business.business.clone()), address: business.address.clone() });
    }
    Ok(judged)
}

fn key(business: &CaseBusiness) -> &str {
    match business {
        CaseBusiness::Unit(key) => key,
        CaseBusiness::Company { number, .. } => number,
    }
}

/// Where companies are the units of the frame, a company's number is a unit's too.
fn other_key(business: &CaseBusiness) -> &str {
    match business {
        CaseBusiness::Unit(key) | CaseBusiness::Company { unit_key: key, .. } => key,
    }
}

/// The businesses of these cases, by the number that the case gives.
async fn businesses(
    conn: &mut AnyConnection,
    frame: &ImportId,
    cases: &[&ClosedCase],
) -> Result<HashMap<String, Found>> {
    let units: BTreeSet<&str> = cases.iter().map(|c| other_key(&c.business)).collect();
    let companies: BTreeSet<&str> = cases
        .iter()
        .filter_map(|c| match &c.business {
            CaseBusiness::Company { number, .. } => Some(number.as_str()),
            CaseBusiness::Unit(_) => None,
        })
        .collect();
    let mut found = HashMap::new();
    for (bulk, keys) in [(&BY_UNIT, units), (&BY_COMPANY, companies)] {
        let keys: Vec<&str> = keys.into_iter().collect();
        for row in bulk.rows(conn, &keys, |c| c.text(frame.as_str()), |c, key| c.text(key)).await? {
            let mut c = columns(&row);
            let key = c.text()?;
            let business = Found {
                business: BusinessId(c.text()?),
                address: c.maybe()?.map(|a| a.trim().to_lowercase()).filter(|a| !a.is_empty()),
                is_protected: c.flag()?,
                opted_out: c.flag()?,
            };
            found.entry(key).or_insert(business);
        }
    }
    Ok(found)
}

/// Makes the day's round, where there is none yet, and invites; the invitations by business.
async fn ask(
    conn: &mut AnyConnection,
    municipality: &MunicipalityId,
    today: &Today,
    asked: &[&Judged],
    form: &QuestionnaireId,
    delivery: &CaseDelivery<'_>,
    now: Millis,
) -> Result<HashMap<String, InvitationId>> {
    let round = match &today.round {
        Some(round) => round.clone(),
        None => {
            let round = RoundId::new(now);
            call(ADD_ROUND)
                .text(round.as_str())
                .text(municipality.as_str())
                .int(today.day)
                .text(delivery.title)
                .text(&delivery.today.to_string())
                .text(&last_day(delivery.today).to_string())
                .text(form.as_str())
                .text(today.frame.as_str())
                .int(delivery.threshold.max(5).into())
                .at(now)
                .run_new(conn, "round of this day")
                .await?;
            round
        }
    };
    let candidates: Vec<Candidate> =
        asked.iter().filter_map(|j| Some(Candidate::new(j.business.clone()?, j.address.clone()))).collect();
    let addressed = rounds::invite(conn, municipality, &round, &candidates, delivery.keys, now).await?;
    rounds::queue(conn, municipality, &round, 0, &addressed, delivery.mail_domain, now).await?;
    let ids: Vec<&str> = asked.iter().filter_map(|j| j.business.as_ref()).map(BusinessId::as_str).collect();
    let mut invitations = HashMap::new();
    for row in ASKED_TODAY.rows(conn, &ids, |c| c.text(round.as_str()), |c, id| c.text(id)).await? {
        let mut c = columns(&row);
        invitations.insert(c.text()?, InvitationId(c.text()?));
    }
    Ok(invitations)
}
