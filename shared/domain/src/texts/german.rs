//! German.

use jiff::Timestamp;
use jiff::tz::Offset;

use super::words::Words;
use crate::group::Problem;
use crate::task::Answer;

pub(super) const WORDS: Words = Words {
    date,
    linked: "Ihr Telegram-Konto ist mit <b>{name}</b> verknüpft. Ihr Zugang ist bis {end} bezahlt.\n\n\
             Tippen Sie auf den Knopf und dann auf „Beitritt anfragen“: Sie werden sofort eingelassen.",
    linked_before_the_group: "Ihr Telegram-Konto ist mit <b>{name}</b> verknüpft. Ihr Zugang ist bis {end} bezahlt.\n\n\
             Die Gruppe wird noch eingerichtet; Ihr Händler schickt Ihnen den Weg hinein.",
    invited_back: "Ihre Zahlung für <b>{name}</b> kam in dem Augenblick an, in dem Ihr alter Zugang \
                   endete; darum wurden Sie aus der Gruppe genommen. Bitte kommen Sie wieder herein: \
                   Ihr Zugang gilt bis {end}.",
    ask_again: "Ihre Beitrittsanfrage für <b>{name}</b> hat Sie nicht hineingelassen. Sie haben Zugang \
                bis {end}: Tippen Sie auf den Knopf und dann auf „Beitritt anfragen“, um noch einmal zu \
                fragen.",
    too_many_groups: "Ich konnte Sie nicht in <b>{name}</b> einlassen: Ihr Telegram-Konto ist in so vielen \
                      Gruppen und Kanälen, wie es sein darf. Verlassen Sie eine davon, und Sie werden \
                      innerhalb einer Stunde eingelassen. Sie haben Zugang bis {end}.",
    ends_soon: "Ihr Zugang zu <b>{name}</b> ist bis {end} bezahlt. Verlängern Sie ihn bei Ihrem Händler, \
                um in der Gruppe zu bleiben.",
    removed: "Ihr Zugang zu <b>{name}</b> ist zu Ende, und Sie wurden aus der Gruppe genommen. Sie sind \
              jederzeit wieder willkommen: Verlängern Sie bei Ihrem Händler, dann lässt Sie der Link \
              wieder ein.",
    guest_put_out: "Sie sind in <b>{name}</b> als Gast willkommen, wurden aber einen Augenblick zu früh \
                    herausgenommen. Tippen Sie auf den Knopf und dann auf „Beitritt anfragen“: Sie \
                    werden wieder eingelassen.",
    not_linked: "Ich konnte Sie nicht in <b>{name}</b> einlassen: Dieses Telegram-Konto gehört zu keinem \
                 Abonnement. Wenn Sie eines gekauft haben, öffnen Sie den persönlichen Link Ihres \
                 Händlers, drücken Sie auf „Starten“ und fragen Sie noch einmal an.",
    ended: "Ich konnte Sie nicht in <b>{name}</b> einlassen: Ihr Abonnement ist zu Ende. Verlängern Sie \
            es bei Ihrem Händler und fragen Sie noch einmal an.",
    answer,
    access: "Sie haben Zugang zu:",
    paid: "• <b>{name}</b>, bezahlt bis {end}",
    paid_and_inside: "• <b>{name}</b>, bezahlt bis {end}, Sie sind drin",
    no_way_in_yet: "   Die Gruppe wird noch eingerichtet.",
    how_to_enter: "Tippen Sie auf einen Knopf und dann auf „Beitritt anfragen“: Sie werden sofort \
                   eingelassen.",
    open_the_group: "Zur Gruppe",
    open: "Zu {name}",
    spare_ready: "<b>{name}</b> gehört nun zu den freien Gruppen.",
    spare_waits: "<b>{name}</b> kann noch nicht zu den freien Gruppen kommen:\n{missing}\n\nSobald das \
                  behoben ist, kommt sie von selbst dazu.",
    lacks,
    commands: [
        ("access", "Zeigt, wohin Sie Zugang haben, und den Weg hinein"),
        ("start", "Verknüpft Ihr Konto oder zeigt Ihre Zugänge"),
    ],
};

const MONTHS: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];

fn date(at: Timestamp) -> String {
    let month = Offset::UTC.to_datetime(at).month();
    let month = (1..).zip(MONTHS).find(|(number, _)| *number == month).map_or("", |(_, it)| it);
    format!("{} {month} {} UTC", at.strftime("%-d."), at.strftime("%Y, %H:%M"))
}

const fn answer(answer: Answer) -> &'static str {
    match answer {
        Answer::Hello | Answer::Access => {
            "Guten Tag! Ich hüte die Türen von Signalgruppen. Wenn Sie ein Abonnement gekauft haben, \
             öffnen Sie den persönlichen Link Ihres Händlers."
        }
        Answer::ClaimUsed => {
            "Dieser Link wurde schon benutzt oder durch einen neueren ersetzt. Er gilt nur für ein \
             Telegram-Konto; wenn Sie das nicht waren, bitten Sie Ihren Händler um Hilfe."
        }
        Answer::ClaimEnded => {
            "Das Abonnement hinter diesem Link ist zu Ende. Verlängern Sie es bei Ihrem Händler."
        }
        Answer::AccountTaken => {
            "Ihr Telegram-Konto ist mit einem anderen Abonnement dieses Dienstes verknüpft. Zu einem \
             Konto gehört ein Abonnement."
        }
        Answer::LinkUnknown => {
            "Diesen Link kenne ich nicht. Bitte öffnen Sie ihn genau so, wie Sie ihn von Ihrem Händler \
             haben."
        }
        Answer::ClaimInGroup => {
            "Dieser Link ist persönlich: Bitte öffnen Sie ihn in einem privaten Chat mit mir."
        }
        Answer::SetUpExpired => {
            "Dieser Einrichtungslink ist abgelaufen oder wurde ersetzt. Bitte erzeugen Sie im Shop einen \
             neuen und fügen Sie mich noch einmal hinzu."
        }
        Answer::ServiceHasGroup => "Der Dienst hinter diesem Link hat schon seine Gruppe.",
        Answer::GroupTaken => {
            "Diese Gruppe gehört schon zu einem anderen Dienst. Bitte nehmen Sie eine andere."
        }
        Answer::SetUpInPrivate => {
            "Dieser Link fügt mich zu einer Gruppe hinzu: Bitte öffnen Sie ihn und wählen Sie die Gruppe \
             Ihres Dienstes."
        }
        Answer::SpareNoted => {
            "Als freie Gruppe vorgemerkt. Machen Sie mich zum Administrator, der einladen, sperren, \
             löschen, anheften und die Gruppeninfo ändern darf; sobald ich das kann, gehört sie dazu."
        }
    }
}

const fn lacks(problem: Problem) -> &'static str {
    match problem {
        Problem::BotOutside => "Ich bin nicht in der Gruppe: Fügen Sie mich wieder hinzu.",
        Problem::BotNotAdmin => "Ich bin kein Administrator: Machen Sie mich dazu.",
        Problem::NotASupergroup => {
            "Sie ist eine einfache Gruppe: Machen Sie den Chatverlauf für neue Mitglieder sichtbar, dann \
             wird sie zur Supergruppe."
        }
        Problem::CannotInviteUsers => "Ich darf niemanden einladen: Geben Sie mir dieses Recht.",
        Problem::CannotRestrictMembers => "Ich darf niemanden sperren: Geben Sie mir dieses Recht.",
        Problem::CannotChangeInfo => {
            "Ich darf die Gruppeninfo nicht ändern: Geben Sie mir dieses Recht."
        }
        Problem::CannotDeleteMessages => {
            "Ich darf keine Nachrichten löschen: Geben Sie mir dieses Recht."
        }
        Problem::CannotPinMessages => {
            "Ich darf keine Nachrichten anheften: Geben Sie mir dieses Recht."
        }
    }
}
