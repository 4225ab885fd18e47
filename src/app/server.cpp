#include "app/server.h"

#include <unistd.h>

#include <algorithm>
#include <thread>

#include "app/adapters.h"
#include "app/data_folder.h"
#include "app/identity_routes.h"
#include "app/metadata.h"
#include "app/routes.h"
#include "app/snapshot_route.h"
#include "app/spark.h"
#include "app/sql.h"
#include "app/ticker.h"
#include "app/time_routes.h"
#include "base/thread_pool.h"
#include "blob/store.h"
#include "catalog/catalog.h"
#include "front/server.h"
#include "iam/https_client.h"
#include "iam/iam.h"
#include "iam/web_identity.h"
#include "jobs/supervisor.h"
#include "kafka/broker.h"
#include "log/disk_log.h"
#include "metastore/server.h"
#include "objects/objects.h"
#include "os/process.h"
#include "services/athena/service.h"
#include "services/emr_serverless/service.h"
#include "services/glue/service.h"
#include "services/iam/service.h"
#include "services/msk/service.h"
#include "services/s3/service.h"
#include "services/s3control/service.h"
#include "services/sts/service.h"
#include "timers/service_clock.h"
#include "timers/timers.h"

namespace mekong::app {
namespace {

constexpr int handler_threads = 16;
constexpr int64_t housekeeping_every_ms = 60'000;
constexpr int64_t certificate_every_ms = 30LL * 24 * 3'600'000;  // of a year's validity

const std::vector<std::string> meta_families = {
    "iam", "blob", "s3", "catalog", "kafka", "msk", "jobs", "emr-serverless", "athena", timers::meta_family};

std::vector<std::string> certificate_names(const std::string& advertised, const std::string& bind_host) {
  std::vector<std::string> names = {"localhost", "*.localhost", "*.s3.localhost", "127.0.0.1", "::1"};
  const auto add = [&](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  if (bind_host != "0.0.0.0" && bind_host != "::") add(bind_host);
  add(advertised);
  if (!is_address(advertised)) add("*.s3." + advertised);
  return names;
}

PrincipalPtr root_of(const std::string& account) {
  auto root = std::make_shared<Principal>();
  root->kind = PrincipalKind::root;
  root->account = AccountId(account);
  root->arn = "arn:aws:iam::" + account + ":root";
  root->user_id = account;
  return root;
}

}  // namespace

// What starts processes: found out by starting some, which takes longer the more memory the server has.
struct ChildParts {
  explicit ChildParts(const std::string& data)
      : processes(os::make_processes()),
        groups(os::find_control_groups()),
        sql_workers(std::make_unique<sql::Workers>(find_sql(data), *processes)) {}
  std::unique_ptr<os::Processes> processes;
  std::unique_ptr<os::ControlGroups> groups;
  std::unique_ptr<sql::Workers> sql_workers;
};

struct Secrets {
  std::string control_token;
  os::CertificateAndKey certificate;
};

// `make` runs on the pool meanwhile.
template <class T>
Future<T> beside(Executor& pool, std::function<T()> make) {
  Promise<T> made;
  auto future = made.future();
  pool.post([make = std::move(make), made] { made.set(make()); });
  return future;
}

// In the order of construction; destroyed from the end.
struct Server::Parts {
  Parts(const ServeOptions& given, Logger& log_to, const LogBook& log_book)
      : options(given), logger(log_to), book(log_book), folder(files, given.data) {}

  Status name_itself();
  Status open_engines();
  void begin_small_files();
  Status open_identity();
  Status open_faces();
  Status open_kafka();
  Status open_jobs();
  Status open_metastore();
  Status open_front();
  void open_time(front::InternalRoutes& internal);
  Status renew_certificate();
  Result<std::unique_ptr<front::Server>> open_listener(const std::string& host, uint16_t port,
                                                       const front::InternalRoutes& internal);
  Result<PrincipalPtr> caller_of(uint32_t uid);
  void keep_usage();
  void tidy_up();

  ServeOptions options;
  Logger& logger;
  const LogBook& book;
  os::SystemClock system_clock;
  os::MovableClock clock{system_clock};
  os::SystemRandom random;
  os::PosixFiles files;
  DataFolder folder;
  std::shared_ptr<const void> held;  // the folder
  std::string control_token;
  std::shared_ptr<os::TlsServer> tls;
  HostPort listen;
  std::vector<std::string> names;
  std::string advertised;  // host of every address handed out

  std::unique_ptr<meta::Store> meta;
  std::unique_ptr<timers::Timers> timers;
  std::unique_ptr<blob::Store> blobs;
  std::unique_ptr<objects::Store> objects;
  std::unique_ptr<log::DiskLog> log;
  std::unique_ptr<BucketPolicies> bucket_policies;
  std::unique_ptr<iam::Iam> iam;
  std::unique_ptr<catalog::Catalog> catalog;
  std::unique_ptr<ChildParts> children;
  std::unique_ptr<jobs::Supervisor> jobs;

  ThreadPool pool{"mekong-handler", handler_threads};
  std::unique_ptr<os::Network> network;
  // Under way.
  Future<std::unique_ptr<ChildParts>> coming_children;
  Future<Result<Secrets>> coming_secrets;
  Future<Result<std::unique_ptr<log::DiskLog>>> coming_log;
  Future<Status> accounts_noted;

  std::unique_ptr<kafka::Broker> broker;
  std::unique_ptr<KafkaHost> kafka_host;
  std::unique_ptr<msk::Clusters> clusters;
  std::unique_ptr<ObjectFolders> folders;
  std::unique_ptr<metastore::Metastore> metastore;

  std::unique_ptr<iam::Service> iam_service;
  std::unique_ptr<iam::WebIdentities> web_identities;
  std::unique_ptr<sts::Service> sts_service;
  std::unique_ptr<s3::S3Service> s3_service;
  std::unique_ptr<s3control::Service> s3control;
  std::unique_ptr<glue::Service> glue_service;
  std::unique_ptr<msk::Service> msk_service;
  std::unique_ptr<athena::Service> athena_service;
  std::unique_ptr<emr_serverless::EmrServerless> emr_serverless;
  std::unique_ptr<api::Pipeline> pipeline;
  std::unique_ptr<Routes> routes;
  std::unique_ptr<timers::ServiceClock> service_clock;
  std::unique_ptr<TimeRoutes> time_routes;
  std::unique_ptr<IdentityRoutes> identity_routes;
  std::unique_ptr<SnapshotRoute> snapshot_route;
  std::unique_ptr<front::Server> front;
  std::unique_ptr<front::Server> loopback_front;  // for jobs and commands, where `front` takes no loopback
  std::string url;
  std::unique_ptr<Ticker> housekeeping, renewal;
};

Status Server::Parts::name_itself() {
  MEKONG_TRY_ASSIGN(listen, parse_listen(options.listen));
  advertised = advertised_host(options, listen.host);
  // By number where the name says no more, so that no client depends on how it resolves localhost.
  url = http_url(advertised == "localhost" && listen.host != "::1" ? "127.0.0.1" : advertised, listen.port);
  names = certificate_names(advertised, listen.host);
  return ok();
}

// Beside the opening of what else is in the folder: in a new one both mostly wait for the disk.
void Server::Parts::begin_small_files() {
  coming_secrets = beside<Result<Secrets>>(pool, [this]() -> Result<Secrets> {
    MEKONG_TRY_ASSIGN(auto token, folder.token(random));
    MEKONG_TRY_ASSIGN(auto made, folder.certificate(names, system_clock, random));
    return Secrets{std::move(token), std::move(made)};
  });
  coming_log = beside<Result<std::unique_ptr<log::DiskLog>>>(
      pool, [this] { return log::DiskLog::open(files, clock, random, logger, folder.log()); });
}

Status Server::Parts::open_engines() {
  MEKONG_TRY(folder.make());
  MEKONG_TRY_ASSIGN(held, folder.hold());
  coming_children = beside<std::unique_ptr<ChildParts>>(
      pool, [this] { return std::make_unique<ChildParts>(folder.path()); });
  MEKONG_TRY(finish_restore(files, folder));
  const auto durability = options.durability == "os" ? meta::Durability::os : meta::Durability::sync;
  MEKONG_TRY_ASSIGN(meta, open_metadata(files, folder, meta_families, durability));
  begin_small_files();
  MEKONG_TRY(timers::restore_clock(*meta, clock));
  MEKONG_TRY_ASSIGN(timers, timers::Timers::open(*meta, clock, logger));
  blob::Options blob_options;
  blob_options.folder = folder.blobs();
  MEKONG_TRY_ASSIGN(blobs, blob::open_store(files, clock, random, *meta, logger, blob_options));
  objects = objects::make_store(*meta, *blobs, clock, random);
  return ok();
}

Status Server::Parts::open_identity() {
  iam::Iam::Config config;
  config.well_known_test_pair = options.dev;
  config.logger = &logger;
  bucket_policies = std::make_unique<BucketPolicies>(*objects);
  MEKONG_TRY_ASSIGN(iam, iam::Iam::open(*meta, *bucket_policies, clock, random, config));
  accounts_noted = beside<Status>(pool, [this] { return note_accounts(iam->directory(), folder); });
  catalog = std::make_unique<catalog::Catalog>(*meta, clock, random);
  return ok();
}

Status Server::Parts::open_kafka() {
  MEKONG_TRY_ASSIGN(const PortRange ports, parse_port_range(options.kafka_ports));
  broker = std::make_unique<kafka::Broker>(kafka::BrokerDeps{
      *network, pool, clock, random, *meta, *log, iam->authoriser(), iam->kafka_login(), logger, tls});
  std::vector<std::string> signed_names;
  for (const auto& name : names) {
    if (name.front() != '*') signed_names.push_back(name);
  }
  kafka_host = std::make_unique<KafkaHost>(*broker, listen.host, advertised, std::move(signed_names));
  msk::ClustersConfig config{ports.first, ports.last, advertised};
  clusters = std::make_unique<msk::Clusters>(*meta, clock, random, *kafka_host, logger, std::move(config));
  return clusters->reopen();
}

Result<PrincipalPtr> Server::Parts::caller_of(uint32_t uid) {
  if (PrincipalPtr job = jobs->principal_for_uid(uid)) return job;
  if (options.dev && uid == ::geteuid()) return root_of(iam->directory().accounts().front().id);
  return Error{"AccessDenied",
               "uid " + std::to_string(uid) + " is no running job: the metastore serves jobs"};
}

// When keys were last used is worth a line in the log, not a stop.
void Server::Parts::keep_usage() {
  const Status kept = iam->usage().flush();
  if (!kept.ok()) logger.error("iam", "last uses not kept", {{"error", kept.error().message}});
}

void Server::Parts::tidy_up() {
  log->retain();
  keep_usage();
}

Status Server::Parts::open_jobs() {
  jobs::Config job_config;
  job_config.work_folder = options.job_folder;
  job_config.output_folder = folder.job_output();
  job_config.hidden = {folder.path()};
  job_config.server_is_root = ::getuid() == 0;
  job_config.isolate = job_config.server_is_root || !options.dev;
  job_config.uid_spread = 900'000'000;
  job_config.credentials_s = options.job_credentials_s;
  job_config.endpoint = http_url("127.0.0.1", listen.port);
  job_config.network = network.get();
  job_config.groups = children->groups.get();
  // What an address handed out names must lead here from inside of a job, too, whoever else resolves the
  // name.
  for (const auto& host : {advertised, listen.host}) {
    if (is_address(host) && !takes_loopback(host) && host != "::1") job_config.addresses.push_back(host);
  }
  if (advertised != "localhost" && !is_address(advertised)) {
    job_config.hosts[advertised] = takes_loopback(listen.host) ? "127.0.0.1" : listen.host;
  }
  const auto credentials = [this](const jobs::Role& role, int64_t duration_s) -> Result<jobs::Credentials> {
    MEKONG_TRY_ASSIGN(
        auto session,
        iam->sessions().assume_for_service(
            role.arn, {role.service_principal, role.session_name, role.source_arn}, duration_s));
    return jobs::Credentials{session.access_key_id, session.secret_access_key, session.session_token,
                             session.expires_ms, session.principal};
  };
  jobs = std::make_unique<jobs::Supervisor>(job_config, *meta, *children->processes, files, clock, random,
                                            logger, credentials);
  MEKONG_TRY(jobs->recover());
  emr_serverless::Config spark;
  spark.spark = find_spark();
  spark.endpoint = job_config.endpoint;
  spark.public_endpoint = url;
  spark.metastore_uri = "thrift://127.0.0.1:" + std::to_string(options.metastore_port);
  MEKONG_TRY_ASSIGN(spark.truststore, files.read_file(folder.truststore()));
  spark.truststore_password = truststore_password;
  const emr_serverless::PutObject put = [this](const PrincipalPtr& principal, std::string_view bucket,
                                               std::string_view key, std::string_view bytes) {
    return objects::ObjectAccess(*objects, iam->authoriser(), principal).put(bucket, key, bytes);
  };
  emr_serverless = std::make_unique<emr_serverless::EmrServerless>(std::move(spark), *meta, *timers, *jobs,
                                                                   put, clock, random, logger);
  return ok();
}

Status Server::Parts::open_metastore() {
  metastore::MetastoreConfig config;
  config.port = options.metastore_port;
  config.region = Region(options.region);
  config.warehouse = "s3://mekong-warehouse-{account}";
  folders = std::make_unique<ObjectFolders>(*objects, iam->authoriser());
  metastore = std::make_unique<metastore::Metastore>(
      config, *network, pool, *catalog, iam->authoriser(), *folders, clock,
      [this](uint32_t uid) { return caller_of(uid); }, logger);
  return metastore->start();
}

void Server::Parts::open_time(front::InternalRoutes& internal) {
  service_clock = std::make_unique<timers::ServiceClock>(*meta, clock, *timers, nullptr);
  std::vector<OweCount> counts = {
      [this]() -> Result<std::vector<Owed>> {
        MEKONG_TRY_ASSIGN(const int64_t due, timers->owed());
        return due == 0 ? std::vector<Owed>() : std::vector<Owed>{{"timers", "timers that are due", due}};
      },
      [this] { return broker->owed(); }, [this] { return Result(athena_service->owed()); },
      [this] { return Result(emr_serverless->owed()); }};
  time_routes = std::make_unique<TimeRoutes>(
      *service_clock, [this] { log->retain(); }, std::move(counts), *network, pool, clock, control_token);
  time_routes->add_to(internal);
}

Status Server::Parts::open_front() {
  iam_service = std::make_unique<iam::Service>(iam->directory(), iam->usage(), clock);
  web_identities = std::make_unique<iam::WebIdentities>(
      iam->directory(), clock,
      [this](const iam::IdentityProvider& provider, const std::string& at) -> Result<std::string> {
        auto question = iam::parse_https_url(at);
        if (!question) return Error{"ConnectionFailed", at + " is no https URL"};
        question->thumbprints = provider.thumbprints;
        return iam::https_get(*network, *question);
      });
  sts_service =
      std::make_unique<sts::Service>(iam->directory(), iam->sessions(), iam->decisions(), *web_identities);
  s3_service = std::make_unique<s3::S3Service>(
      *objects, [this](std::string_view principal) { return iam->directory().may_be_named(principal); });
  s3control = std::make_unique<s3control::Service>(*objects);
  glue_service = std::make_unique<glue::Service>(*catalog);
  msk_service = std::make_unique<msk::Service>(*clusters);
  sql::Workers& sql_workers = *children->sql_workers;
  if (sql_workers.hidden().empty()) {
    logger.info("app", "query workers are kept from files by their filter of calls alone: no right to mount");
  }
  athena_service = std::make_unique<athena::Service>(
      athena::Engines{*objects, *catalog, sql_workers, iam->authoriser(), clock, random, logger}, *meta);
  MEKONG_TRY(athena_service->start());
  std::vector<api::ServiceBinding> services = {gen::iam::bind(*iam_service),
                                               gen::sts::bind(*sts_service),
                                               gen::s3::bind(*s3_service),
                                               gen::s3control::bind(*s3control),
                                               gen::glue::bind(*glue_service),
                                               gen::kafka::bind(*msk_service),
                                               gen::emr_serverless::bind(*emr_serverless),
                                               gen::athena::bind(*athena_service)};
  api::Pipeline::Options pipeline_options;
  pipeline_options.slow_request_ms = options.slow_request_ms;
  pipeline_options.access_log = options.access_log;
  if (advertised != "localhost" && !is_address(advertised)) {
    pipeline_options.bucket_domains.push_back("s3." + advertised);
  }
  pipeline = std::make_unique<api::Pipeline>(std::move(services), iam->authenticator(), iam->authoriser(),
                                             pool, clock, random, logger, pipeline_options);
  routes = std::make_unique<Routes>(iam->directory(), *jobs, *emr_serverless, *network, pool, clock,
                                    control_token, options, folder, pipeline->telemetry(), book);
  front::InternalRoutes internal = routes->table();
  open_time(internal);
  identity_routes = std::make_unique<IdentityRoutes>(iam->decisions(), pool, control_token);
  identity_routes->add_to(internal);
  snapshot_route = std::make_unique<SnapshotRoute>(Snapshots(files, folder, system_clock, random),
                                                   RunningEngines{*meta, *blobs, *log}, pool, control_token);
  snapshot_route->add_to(internal);
  MEKONG_TRY_ASSIGN(front, open_listener(listen.host, listen.port, internal));
  if (!takes_loopback(listen.host)) {
    MEKONG_TRY_ASSIGN(loopback_front, open_listener("127.0.0.1", listen.port, internal));
  }
  return ok();
}

Result<std::unique_ptr<front::Server>> Server::Parts::open_listener(const std::string& host, uint16_t port,
                                                                    const front::InternalRoutes& internal) {
  front::ServerOptions front_options;
  front_options.listen.host = host;
  front_options.listen.port = port;
  front_options.listen.mode = os::TlsMode::detect;
  front_options.listen.tls = tls;
  front_options.listen.protocols = {"h2", "http/1.1"};
  auto listener =
      std::make_unique<front::Server>(*network, *pipeline, internal, pool, clock, logger, front_options);
  MEKONG_TRY(listener->start());
  return listener;
}

Status Server::Parts::open_faces() {
  MEKONG_TRY_ASSIGN(const auto secrets, coming_secrets.get());
  control_token = secrets.control_token;
  MEKONG_TRY_ASSIGN(tls,
                    os::make_tls_server(secrets.certificate.certificate_pem, secrets.certificate.key_pem));
  MEKONG_TRY_ASSIGN(log, coming_log.get());
  children = coming_children.get();
  network = os::make_network(static_cast<int>(std::max(1U, std::thread::hardware_concurrency())));
  MEKONG_TRY(open_jobs());
  MEKONG_TRY(open_kafka());
  MEKONG_TRY(open_metastore());
  MEKONG_TRY(open_front());
  MEKONG_TRY(emr_serverless->start());  // its jobs call the faces
  return accounts_noted.get();
}

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Server::~Server() = default;
std::string Server::url() const {
  return parts_->url;
}

Result<std::unique_ptr<Server>> Server::start(const ServeOptions& options, Logger& logger,
                                              const LogBook& book) {
  MEKONG_TRY(check(options));
  auto parts = std::make_unique<Parts>(options, logger, book);
  MEKONG_TRY(parts->name_itself());
  MEKONG_TRY(parts->open_engines());
  MEKONG_TRY(parts->open_identity());
  MEKONG_TRY(parts->open_faces());
  MEKONG_TRY(
      parts->folder.write_note({parts->url, options.region, MEKONG_VERSION, parts->advertised, ::getpid()}));
  logger.info("app", "jobs run apart", {{"by", parts->jobs->walls()}});
  parts->timers->start();
  parts->housekeeping =
      std::make_unique<Ticker>(housekeeping_every_ms, [all = parts.get()] { all->tidy_up(); });
  std::unique_ptr<Server> server(new Server(std::move(parts)));
  server->parts_->renewal =
      std::make_unique<Ticker>(certificate_every_ms, [raw = server.get()] { raw->renew_certificate(); });
  return server;
}

Status Server::Parts::renew_certificate() {
  MEKONG_TRY_ASSIGN(const auto certificate, folder.certificate(names, clock, random));
  return os::reload_tls_server(*tls, certificate.certificate_pem, certificate.key_pem);
}

void Server::renew_certificate() {
  const auto renewed = parts_->renew_certificate();
  if (renewed.ok()) parts_->logger.info("app", "certificate renewed");
  if (!renewed.ok())
    parts_->logger.error("app", "the old certificate stays", {{"reason", renewed.error().message}});
}

void Server::stop(int64_t grace_ms) {
  parts_->renewal.reset();
  parts_->log->stop_compaction();
  parts_->housekeeping.reset();
  parts_->timers->stop();
  parts_->front->stop(grace_ms);
  if (parts_->loopback_front) parts_->loopback_front->stop(grace_ms);
  parts_->emr_serverless->stop();
  parts_->jobs->stop();
  parts_->broker.reset();  // closes the listeners once no request runs
  parts_->keep_usage();
  parts_->log->close();
}

}  // namespace mekong::app
