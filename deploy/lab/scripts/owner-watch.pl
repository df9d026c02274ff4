#!/usr/bin/perl
# Ends a lab when its owner ends: owner-watch.pl OWNER_PID LAB_PID LOCK_FILE STATE_DIR
# Waits on pidfds, so neither a SIGKILL of the owner nor a reused process id goes wrong. Perl, since
# Node has no pidfd and every Debian has perl-base.
use strict;
use warnings;

use constant { SYS_pidfd_send_signal => 424, SYS_pidfd_open => 434, SIGKILL => 9 };

my ($owner_pid, $lab_pid, $lock, $state) = @ARGV;
my $lab = syscall(SYS_pidfd_open, $lab_pid + 0, 0);
exit 0 if $lab < 0;
my $owner = syscall(SYS_pidfd_open, $owner_pid + 0, 0);

if ($owner >= 0) {
    my $both = '';
    vec($both, $_, 1) = 1 for $owner, $lab;
    select(my $ended = $both, undef, undef, undef);
    exit 0 if vec($ended, $lab, 1);
}
syscall(SYS_pidfd_send_signal, $lab, SIGKILL, 0, 0);
my $wait = '';
vec($wait, $lab, 1) = 1;
select($wait, undef, undef, undef);
# The lock is free again once the last process of the lab is gone.
exec 'flock', '--wait', '10', $lock, 'rm', '-rf', $state;
