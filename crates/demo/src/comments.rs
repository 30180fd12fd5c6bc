//! What some write in their own words: sentences built from parts, so that hundreds differ and all read naturally.
use domain::language::Language;

use crate::chance::Chance;
use crate::names;

/// What is asked by an open question.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Why are you satisfied or not? With the answer, 1–5.
    Why(u8),
    /// What would have made the contact better?
    Better,
    /// What does the municipality do well?
    Well,
    /// What should it do first?
    First,
}

/// Something that people write about.
struct Subject {
    /// How often, against the others.
    weight: f64,
    /// What it is about, in the codebook's keys: the true code of every comment on it.
    themes: &'static [&'static str],
    /// About a case or contact, so that it fits the question about one.
    case: bool,
    bad: &'static [&'static str],
    good: &'static [&'static str],
    wish: &'static [&'static str],
}

/// What fills the gaps of a language's sentences, and what may follow one.
struct Words {
    subjects: &'static [Subject],
    /// `{case}`
    cases: &'static [&'static str],
    /// `{time}`
    times: &'static [&'static str],
    /// After something bad about a case.
    so_what: &'static [&'static str],
    /// After something good.
    and_that: &'static [&'static str],
    /// After something good about a case.
    case_helped: &'static [&'static str],
    /// A greeting, with `{f}` and `{s}`.
    greetings: &'static [&'static str],
}

const DANISH: Words = Words {
    cases: &[
        "byggetilladelsen",
        "ibrugtagningstilladelsen",
        "miljøgodkendelsen",
        "skiltetilladelsen",
        "alkoholbevillingen",
        "dispensationen fra lokalplanen",
        "tilladelsen til udeservering",
        "overkørslen til vejen",
        "sagen om spildevand",
        "ændringen af affaldsordningen",
        "nabohøringen",
        "ansøgningen om en ekstra port",
    ],
    times: &[
        "seks uger",
        "to måneder",
        "et kvart år",
        "fire måneder",
        "et halvt år",
        "næsten et år",
        "hele sommeren",
        "otte uger",
    ],
    so_what: &[
        "Det kostede os en ordre.",
        "Imens stod håndværkerne stille.",
        "Det er umuligt at planlægge efter.",
        "Til sidst ringede vi selv rundt.",
        "For en lille virksomhed er det mange penge.",
        "Vi var tæt på at flytte.",
        "Kunden gik et andet sted hen.",
        "Det burde ikke være nødvendigt.",
    ],
    and_that: &["Det betyder meget i en travl hverdag.", "Sådan må det gerne blive ved.", "Tak for det."],
    case_helped: &[
        "Det gjorde hele forskellen.",
        "Det har vi ikke prøvet før.",
        "Andre kommuner kunne lære af det.",
        "Vi kunne gå i gang til tiden.",
    ],
    greetings: &["Hilsen {f}", "Venlig hilsen {f} {s}", "Mvh. {f} {s}"],
    subjects: &[
        Subject {
            themes: &["case_handling"],
            weight: 3.0,
            case: true,
            bad: &[
                "Vi ventede {time} på {case}.",
                "{case} tog {time}, og undervejs hørte vi ingenting.",
                "Vi sendte de samme tegninger tre gange, før {case} kom videre.",
                "Ingen kunne sige, hvornår {case} ville være klar.",
                "Sagsbehandlingen er for langsom: {case} tog {time}.",
                "Der blev bedt om nye oplysninger hver gang, vi troede, at {case} var på plads.",
                "Gebyret for {case} steg, men ventetiden blev ikke kortere.",
            ],
            good: &[
                "Vi fik hurtigt svar på {case}.",
                "Sagsbehandleren ringede selv og forklarede {case}.",
                "{case} gik langt hurtigere, end vi havde regnet med.",
                "Der var styr på {case} fra første dag.",
                "Vi fik et klart ja, og begrundelsen var til at forstå.",
            ],
            wish: &[
                "Kortere sagsbehandlingstid.",
                "Sig fra starten, hvor lang tid {case} tager.",
                "Et forhåndsmøde, hvor alle sidder ved bordet, ville have sparet {time}.",
                "Lad os følge {case} på nettet, så vi ikke skal ringe.",
                "Svar inden for en uge, også når svaret er nej.",
                "Saml kravene til {case} ét sted.",
            ],
        },
        Subject {
            themes: &["factor_availability"],
            weight: 2.2,
            case: true,
            bad: &[
                "Det er svært at få fat i nogen, der kan svare.",
                "Telefonen er kun åben om formiddagen, og dér arbejder vi.",
                "Vi blev stillet rundt mellem tre afdelinger, da det gjaldt {case}.",
                "Den ene afdeling ved ikke, hvad den anden har lovet.",
                "Mails bliver ikke besvaret.",
                "Man taler til os, ikke med os.",
            ],
            good: &[
                "De mennesker, vi møder, er venlige og kompetente.",
                "Man kan ringe og få et svar samme dag.",
                "Vi har fået en fast kontaktperson, og det virker.",
                "Én indgang gør det nemt at finde den rette.",
                "Erhvervsservice tog sig af {case} fra ende til anden.",
                "Kommunen kom på besøg og lyttede.",
            ],
            wish: &[
                "Giv os én kontaktperson.",
                "Ring os op i stedet for at sende endnu et brev.",
                "Besøg virksomhederne, også de små.",
                "Længere telefontid.",
                "Lad afdelingerne tale sammen, før de skriver til os.",
                "Skriv, så man ikke skal have en advokat til at læse det.",
            ],
        },
        Subject {
            themes: &["labour"],
            weight: 1.8,
            case: false,
            bad: &[
                "Vi kan ikke finde faglærte.",
                "Unge, der vil i lære, er der for få af.",
                "Jobcenteret sender folk, der ikke kan komme herud uden bil.",
                "Vi siger nej til ordrer, fordi vi mangler hænder.",
                "Det er svært at få kvalificeret arbejdskraft hertil.",
            ],
            good: &[
                "Jobcenteret fandt den rette på to uger.",
                "Vi har haft god hjælp til et fleksjob.",
                "Samarbejdet med skolen har givet os to lærlinge.",
            ],
            wish: &[
                "Hjælp med at skaffe lærlinge.",
                "Få jobcenteret til at besøge os, før de sender folk.",
                "Opkvalificer de ledige til det, vi mangler.",
                "Få skolerne ud i virksomhederne.",
                "Gør det lettere at ansætte udenlandske medarbejdere.",
            ],
        },
        Subject {
            themes: &["accessibility"],
            weight: 1.8,
            case: false,
            bad: &[
                "Bussen kører ikke, når vores folk møder.",
                "Der er kø i rundkørslen ved motorvejen hver morgen.",
                "Lastbilerne har ingen steder at holde om natten.",
                "Vejen ud til erhvervsområdet er i dårlig stand.",
                "Der er ingen cykelsti til Industrivej.",
                "Snerydningen kommer for sent.",
            ],
            good: &[
                "Det er nemt at komme til og fra med varer.",
                "Beliggenheden ved motorvejen er god.",
                "Den nye cykelsti til stationen bliver brugt.",
            ],
            wish: &[
                "Bedre busforbindelser til erhvervsområdet.",
                "En plads til lastbiler med bad og strøm.",
                "Gør noget ved køen ved motorvejen.",
                "Lav vejen ordentligt i stedet for at lappe den.",
                "Ladestandere, som en lastbil kan bruge.",
            ],
        },
        Subject {
            themes: &["town_centre"],
            weight: 1.2,
            case: false,
            bad: &[
                "Bymidten er ved at dø.",
                "Der er for få parkeringspladser ved butikkerne.",
                "Hver anden butik på Algade står tom.",
                "Vejarbejdet lukkede gaden i {time}.",
            ],
            good: &[
                "Torvedagene giver liv i byen.",
                "Det nye torv er blevet godt.",
                "Samarbejdet om byens arrangementer fungerer.",
            ],
            wish: &[
                "Gratis parkering i to timer.",
                "Få liv i de tomme butikker.",
                "En samlet plan for bymidten.",
                "Flere arrangementer, der trækker folk til byen.",
            ],
        },
        Subject {
            themes: &["charges"],
            weight: 1.1,
            case: false,
            bad: &[
                "Dækningsafgiften er for høj.",
                "Vi betaler dækningsafgift og får ikke noget for den.",
                "Affaldsgebyret passer ikke til en virksomhed uden affald.",
                "Opkrævningen var forkert tre gange i træk.",
            ],
            good: &["Det er godt, at dækningsafgiften er sat ned.", "Opkrævningerne er blevet til at forstå."],
            wish: &[
                "Afskaf dækningsafgiften.",
                "Et affaldsgebyr efter, hvad vi faktisk afleverer.",
                "Sænk gebyrerne for små virksomheder.",
            ],
        },
        Subject {
            themes: &["procurement"],
            weight: 1.0,
            case: false,
            bad: &[
                "De lokale får sjældent kommunens opgaver.",
                "Udbuddene er skrevet til de store.",
                "Kravene i udbuddet fylder halvtreds sider.",
            ],
            good: &["Kommunen deler udbuddene op, så vi kan være med.", "Dialogmødet før udbuddet var nyttigt."],
            wish: &["Del udbuddene op i mindre dele.", "Køb mere lokalt.", "Fortæl, hvorfor vi ikke vandt."],
        },
        Subject {
            themes: &["premises"],
            weight: 0.9,
            case: false,
            bad: &[
                "Der er ingen lokaler i den rigtige størrelse.",
                "Vi mangler plads og kan ikke udvide her.",
                "Lokalplanen passer ikke til det, man laver i området i dag.",
            ],
            good: &["Vi fik hjælp til at finde nye lokaler.", "Der er god plads i den nye erhvervspark."],
            wish: &["Flere byggemodnede grunde.", "Små lejemål til iværksættere.", "En plan for, hvor vi kan vokse."],
        },
        Subject {
            themes: &["green"],
            weight: 0.9,
            case: false,
            bad: &[
                "Vi vil gerne have solceller på taget, men reglerne står i vejen.",
                "Der tales meget om grøn omstilling, men vi mangler konkret hjælp.",
                "Krav om ESG-tal kommer fra alle sider.",
                "Kælderen bliver oversvømmet, hver gang det regner.",
            ],
            good: &["Energitjekket gav os tre ting at gå i gang med.", "Det grønne netværk er pengene værd."],
            wish: &[
                "Hjælp til grøn omstilling for os med under ti ansatte.",
                "Gør det nemt at sætte solceller op.",
                "Sikr havnen mod højvande.",
                "Fjernvarme til erhvervsområdet.",
            ],
        },
        Subject {
            themes: &["dialogue"],
            weight: 0.8,
            case: false,
            bad: &[
                "Vi hører aldrig fra kommunen.",
                "Vi er små, og ingen spørger os.",
                "Nyhedsbrevet handler om alt andet end os.",
            ],
            good: &[
                "Netværksmøderne er gode.",
                "Der er vilje til at finde løsninger.",
                "Nyhedsbrevet er kort og til at bruge.",
                "Kort vej fra virksomhed til borgmester.",
            ],
            wish: &[
                "Spørg os, før I beslutter.",
                "Et årligt møde for de mindste virksomheder.",
                "Fortæl, hvad der kom ud af sidste måling.",
            ],
        },
    ],
};

const SWEDISH: Words = Words {
    cases: &["bygglovet", "miljötillståndet", "serveringstillståndet", "ändringen av detaljplanen", "skyltlovet"],
    times: &["sex veckor", "två månader", "ett halvår", "hela sommaren"],
    so_what: &["Det kostade oss en order.", "Det går inte att planera efter.", "Till slut ringde vi runt själva."],
    and_that: &["Det betyder mycket i en stressig vardag.", "Fortsätt så."],
    case_helped: &["Det gjorde hela skillnaden.", "Vi kunde börja i tid."],
    greetings: &["Hälsningar {f}", "Vänligen {f} {s}"],
    subjects: &[
        Subject {
            themes: &["case_handling"],
            weight: 2.0,
            case: true,
            bad: &[
                "Vi väntade {time} på {case}.",
                "Ingen kunde säga när {case} skulle bli klart.",
                "Handläggningen är för långsam.",
            ],
            good: &["Vi fick snabbt svar om {case}.", "Handläggaren ringde själv och förklarade {case}."],
            wish: &[
                "Kortare handläggningstid.",
                "Säg från början hur lång tid {case} tar.",
                "Låt oss följa ärendet på nätet.",
            ],
        },
        Subject {
            themes: &["factor_availability"],
            weight: 1.5,
            case: true,
            bad: &["Det är svårt att få tag i någon som kan svara.", "Vi skickades mellan tre avdelningar."],
            good: &["Personalen är trevlig och kunnig.", "Det är lätt att hitta rätt person."],
            wish: &["Ge oss en fast kontaktperson.", "Besök företagen, även de små."],
        },
        Subject {
            themes: &["labour"],
            weight: 0.5,
            case: false,
            bad: &["Vi hittar inte yrkesutbildad personal."],
            good: &["Vi fick snabbt hjälp att hitta en medarbetare."],
            wish: &["Hjälp oss att hitta lärlingar."],
        },
        Subject {
            themes: &["accessibility"],
            weight: 0.5,
            case: false,
            bad: &["Bussen går inte när våra anställda börjar."],
            good: &["Läget nära bron är bra för oss."],
            wish: &["Bättre bussförbindelser till industriområdet."],
        },
    ],
};

const ENGLISH: Words = Words {
    cases: &[
        "the building permit",
        "the environmental permit",
        "the licence",
        "the sign permit",
        "the change of the local plan",
    ],
    times: &["six weeks", "two months", "half a year", "the whole summer"],
    so_what: &["It cost us an order.", "It is impossible to plan for.", "In the end we called around ourselves."],
    and_that: &["It means a lot to a small business.", "Please keep it that way."],
    case_helped: &["That made all the difference.", "We could start on time."],
    greetings: &["Regards, {f}", "Best wishes, {f} {s}"],
    subjects: &[
        Subject {
            themes: &["case_handling"],
            weight: 2.0,
            case: true,
            bad: &[
                "We waited {time} for {case}.",
                "Nobody could say when {case} would be ready.",
                "The letters came in Danish only.",
            ],
            good: &["We got a quick answer about {case}.", "The case officer called and explained {case}."],
            wish: &[
                "Shorter waiting times.",
                "Tell us from the start how long {case} takes.",
                "Letters in English where needed.",
            ],
        },
        Subject {
            themes: &["factor_availability"],
            weight: 1.5,
            case: true,
            bad: &["It is hard to find someone who can answer.", "We were sent back and forth between departments."],
            good: &["Friendly and competent people.", "It is easy to reach the right person."],
            wish: &["Give us one person to talk to.", "Visit us and see how we work."],
        },
        Subject {
            themes: &["labour"],
            weight: 0.5,
            case: false,
            bad: &["We cannot find skilled staff."],
            good: &["The job centre found the right person for us."],
            wish: &["Help us to hire people from abroad."],
        },
        Subject {
            themes: &["accessibility"],
            weight: 0.5,
            case: false,
            bad: &["The bus does not run when our people start work."],
            good: &["Good location and good roads."],
            wish: &["A better bus to the business park."],
        },
    ],
};

/// A comment and what it is about; `business` is the writer's own name, which some cannot help mentioning.
pub fn write(asked: Asked, language: Language, business: &str, chance: &mut Chance) -> (String, Vec<&'static str>) {
    let words = match language {
        Language::Da => &DANISH,
        Language::Sv => &SWEDISH,
        Language::En => &ENGLISH,
    };
    let subject = subject(words, asked == Asked::Better, chance);
    let bad = match asked {
        Asked::Why(answer) => match answer {
            1 | 2 => true,
            3 => chance.happens(0.5),
            _ => chance.happens(0.08),
        },
        Asked::Better => chance.happens(0.35),
        Asked::Well | Asked::First => false,
    };
    let mut parts: Vec<&str> = Vec::new();
    match asked {
        Asked::First => parts.push(chance.word(subject.wish)),
        Asked::Better if !bad => parts.push(chance.word(subject.wish)),
        _ if bad => parts.push(chance.word(subject.bad)),
        _ => parts.push(chance.word(subject.good)),
    }
    match asked {
        Asked::First if chance.happens(0.4) => parts.insert(0, chance.word(subject.bad)),
        Asked::Why(_) | Asked::Better if bad && subject.case && chance.happens(0.4) => {
            parts.push(chance.word(words.so_what));
        }
        Asked::Why(_) | Asked::Well if !bad && chance.happens(0.3) => {
            let helped = subject.case && chance.happens(0.6);
            parts.push(chance.word(if helped { words.case_helped } else { words.and_that }));
        }
        _ => {}
    }
    if matches!(asked, Asked::Why(1 | 2)) && chance.happens(0.35) {
        parts.push(chance.word(subject.wish));
    }
    let (case, time) = (chance.word(words.cases), chance.word(words.times));
    let sentences: Vec<String> =
        parts.into_iter().map(|part| capitalised(&part.replace("{case}", case).replace("{time}", time))).collect();
    let mut text = sentences.join(" ");
    // People sign, leave a number, name somebody: this is what redaction is for.
    if chance.happens(0.03) {
        let greeting =
            names::fill(chance.word(words.greetings), chance.word(&names::FIRST), chance.word(&names::LAST), "");
        text = format!("{text} {greeting}, {business}");
    } else if language == Language::Da && chance.happens(0.02) {
        text = format!(
            "{text} Ring til mig på 10 {:02} {:02} {:02}.",
            chance.below(100),
            chance.below(100),
            chance.below(100)
        );
    } else if language == Language::Da && chance.happens(0.02) {
        text = format!("{text} Sagsbehandler {} lovede noget andet.", chance.word(&names::LAST));
    }
    (text, subject.themes.to_vec())
}

fn subject<'w>(words: &'w Words, case: bool, chance: &mut Chance) -> &'w Subject {
    let weights: Vec<f64> = words.subjects.iter().map(|s| if case && !s.case { 0.0 } else { s.weight }).collect();
    &words.subjects[chance.weighted(&weights)]
}

fn capitalised(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
