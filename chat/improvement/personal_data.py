from chat.improvement.models import ExportedConversation, ImprovementExport
from chat.kernel.personal_data import Basis, Store

STORES = (
    Store(
        model=ImprovementExport,
        title="Exports for improvement",
        holds="when the operator of this site took conversations for improvement, and how many; nothing about you",
        why="to know which copies there are",
        basis=Basis.LEGITIMATE_INTEREST,
        withheld=("id", "public_id", "begun_at", "finished_at", "conversations"),
    ),
    Store(
        model=ExportedConversation,
        title="Taken for improvement",
        owner=ExportedConversation.account_id,
        holds="which of your saved conversations were taken to improve the service, when, and which of these were withdrawn; "
        "no words of them",
        why="to show you what was taken, and to have the copies deleted when you withdraw",
        basis=Basis.LEGAL_DUTY,
        born=ExportedConversation.exported_at,
        stays="Copies that were taken must be found to be deleted, also when the account is gone; what stays is a pseudonym.",
        exported=("pseudonym", "exported_at", "revoked_at", "revoked_why"),
        withheld=("id", "export_id", "account_id", "conversation_id", "consent_sequence", "because_rated"),
    ),
)
