"""What is done to the parts, each fault with the proof that it had an effect."""

from .clients import CuttingClients, StoppedClients
from .database import Restore
from .disk import DiskFull
from .fault import Fault, NoEffect
from .programs import KillNginx, KillPostgres, KillRedis, KillWorker
from .redis import DeafSubscriptions, KillPubsub, LostPublishes
from .workers import ChainReload, NoDescriptors

FAULTS: dict[str, type[Fault]] = {
    fault.kind: fault
    for fault in (
        KillWorker,
        KillRedis,
        KillPostgres,
        KillNginx,
        KillPubsub,
        LostPublishes,
        DeafSubscriptions,
        ChainReload,
        StoppedClients,
        CuttingClients,
        DiskFull,
        NoDescriptors,
        Restore,
    )
}

__all__ = ["FAULTS", "Fault", "NoEffect"]
