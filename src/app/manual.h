// The text below the options of each command's --help: what it does in full, files, variables, examples.
#pragma once

namespace mekong::app::manual {

inline constexpr const char* main = R"text(
Exit codes
  0 done · 1 failed · 2 wrong use, folder or address taken · 3 no server is running

Environment
  MEKONG_DATA and the other variables named beside options stand in for them;
  the command line wins, then the environment, then the file of --config.

First steps
  mekong serve                          # in one terminal
  eval "$(mekong env --java)"           # in another: any AWS client works now
  aws s3 mb s3://first-bucket

More: mekong COMMAND --help; README.md; docs/compat/ say what works and what differs.)text";

inline constexpr const char* serve = R"text(
Prints one line on stdout once every port answers:
  mekong ready http://127.0.0.1:4566
Logs go to stderr. SIGTERM or SIGINT: takes no more requests, ends those that run (10 s), exits with 0;
a second signal ends it at once with 1. What was acknowledged is on disk either way.

Ports
  --listen       http and https, told apart by the first byte; SigV4 on every request
  --kafka-ports  one a cluster, SASL_SSL, kept over restarts
  --metastore-port  Hive metastore for the jobs, loopback only

Files in the data folder (0700)
  ca.pem             the authority that signs the server's certificates; made at the first start
  ca-bundle.pem      it and the system's public roots, for AWS_CA_BUNDLE
  truststore.jks     the same for Java
  control-token      0600: proves to the server that a command may read the folder
  meta/ log/ blobs/ jobs/    metadata, records, objects, output of jobs

Jobs run in folders of their own below --job-folder, on a disk with room for what they spill; they are
removed at a job's end.

A folder serves one process; a second one exits with 2. To start over, remove the folder.

Durability
  sync  what was acknowledged survives kill -9 and power loss, as far as the disk keeps its word
  os    metadata survives kill -9, not power loss

Examples
  mekong serve --data ./data --listen 127.0.0.1:5000
  mekong serve --listen 0.0.0.0:4566 --advertise data.example.org
  printf 'region: eu-west-1\ndurability: os\n' > m.yaml && mekong serve --config m.yaml)text";

inline constexpr const char* env = R"text(
Exports AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY (the account's root key), AWS_REGION,
AWS_DEFAULT_REGION, AWS_CA_BUNDLE and SSL_CERT_FILE (public roots and ours), with --java JAVA_TOOL_OPTIONS;
AWS_ENDPOINT_URL_S3_CONTROL, where the server is at 127.0.0.1: a name below which ACCOUNT.localhost is found;
unsets AWS_PROFILE and AWS_SESSION_TOKEN, which would win over them.

Examples
  eval "$(mekong env)"
  eval "$(mekong env --account second --env-prefix SECOND_)"
  mekong env | sed 's/^export //' > .env)text";

inline constexpr const char* account = R"text(
Each account has a 12-digit id, its own root key and its own resources, in every region. They meet by
policies only. Works on a stopped server's folder, too.

Examples
  mekong account create second
  mekong account list --json)text";

inline constexpr const char* status = R"text(
Asks the server that serves the data folder. Exit code 3 when none does.

Examples
  mekong status --json
  mekong status || mekong serve &)text";

inline constexpr const char* logs = R"text(
The server keeps its last 4096 lines in memory; all of them go to its stderr as well. Lines are as
serve's --log-format wrote them. Exit code 3 when no server runs on the data folder.

Examples
  mekong logs --lines 20
  mekong logs --follow | grep 'slow request')text";

inline constexpr const char* doctor = R"text(
Looks at the data folder, free space, ports, the clock, the certificate authority, the engines that run jobs
and queries, and the limits of this process. Each line: ok, warn or FAIL, what was found, what to do.
Exit code 1 when something is broken, 0 with warnings.

Examples
  mekong doctor --data ./data
  mekong doctor --json)text";

inline constexpr const char* verify = R"text(
Reads every record batch, index, journal, table, object and part, and the references between them. A line a
finding: what, file and byte, whose it is. Changes nothing in the folder. A server that runs on the folder is
refused with exit code 2: stop it first.

  damaged     not the bytes that were written, or gone; a server answers reads of it with an error
  unfinished  what a crash leaves and the next start puts right: nothing that was acknowledged

Not covered, for want of checksums: the output of jobs (jobs/), control-token, and files that each start
writes anew (server.json, ca-bundle.pem, truststore.jks, root-credentials.json).
Exit code 1 when something is damaged, 0 otherwise.

Examples
  mekong verify ./data
  mekong verify ./data --json | jq -r '.Findings[].File')text";

inline constexpr const char* snapshot = R"text(
A snapshot shares files with the data: links to what does not change any more, copies of the little that does.
It takes what was acknowledged before, and nothing that begins after; appends wait meanwhile. Kept in
DATA/snapshots/NAME; a folder of its own, which verify reads.

restore puts the snapshot's state in the place of the present one, which is gone then. A crash meanwhile
leaves the one or the other. Certificates and the control token stay as they are. Jobs that ran are not taken
along. Exit code 2 while a server runs on the folder, or another command works on it.

Examples
  mekong snapshot create before-the-test
  mekong snapshot list --json
  mekong snapshot restore before-the-test)text";

inline constexpr const char* fork = R"text(
The new folder shares files with the old one, as a snapshot does, and lies on the same file system. A second
server serves it on addresses of its own, with the same accounts and keys; neither sees what the other
writes. Kafka clusters get free ports of --kafka-ports at its first start; ask for their bootstrap again.
Jobs that run stay with the first server.

Examples
  mekong fork ./try
  mekong serve --data ./try --listen 127.0.0.1:5000 --metastore-port 5083)text";

inline constexpr const char* clock = R"text(
Signatures, tokens and TLS go by the wall clock, never by this one. The service clock never goes back.
Moves are kept: a restart finds the clock where it was.

Examples
  mekong clock freeze
  mekong clock advance 30d        # a month of schedules, each at its own hour
  mekong clock resume)text";

inline constexpr const char* why = R"text(
The request id stands in the reply: x-amzn-RequestId, or x-amz-request-id from S3. The last 8192 decisions
are kept, in memory. Without an id: the last 50 denials, the latest at the end, also of Kafka, of the
metastore, of queries and jobs, which have no id.

Examples
  mekong why
  mekong why 2f0d3a52-7f0b-4c58-9d43-1d6f6f3f2a11)text";

inline constexpr const char* policy = R"text(
Records which actions on which resources each user, role or root was let do, HTTP, Kafka and data alike; then
writes them as the least policy that does the same. Recording anew forgets what was recorded before.

Examples
  mekong policy record && ./pipeline.sh && mekong policy stop
  mekong policy write arn:aws:iam::123456789012:role/pipeline > least.json)text";

inline constexpr const char* settle = R"text(
What counts as owed: Athena queries queued or running; EMR Serverless batch runs that have not ended,
streaming runs that do not stream yet; records that a Kafka group with members has not committed; timers
that are due. On timeout says on stderr who owes what, and exits with 1.

Examples
  ./produce.py && mekong settle --timeout 60 && ./check.py)text";

}  // namespace mekong::app::manual
