import { awsCommand } from '../../../core/aws/command-line.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand, textIn } from '../../common/changes/inverse.ts';

/** AWS Backup keeps nothing of a recovery point that was deleted; a vault lock refuses it. */
export const deletedRecoveryPoint = defineByHand({
  id: 'deleted-recovery-point',
  danger: 'destroys',
  calls: { source: 'backup.amazonaws.com', names: ['DeleteRecoveryPoint', 'DeleteBackupVault'] },
  does: 'a deleted recovery point is gone: look for copies in another Region or account, and lock the vault',
  next(call) {
    const vault = textIn(call.request, 'backupVaultName') ?? '';
    if (!/^[\w-]{2,50}$/.test(vault)) return undefined;
    return {
      what: `backups of vault ${vault} were deleted (${said(call)})`,
      next: `${awsCommand('backup list-recovery-points-by-backup-vault', {
        ...{ region: call.region, 'backup-vault-name': vault },
      })}`,
    };
  },
  example: { eventName: 'DeleteRecoveryPoint', requestParameters: { backupVaultName: 'orders' } },
});
