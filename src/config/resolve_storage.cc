#include <map>

#include "config/resolve.h"
#include "server/url.h"

namespace weir::config {
namespace {

namespace fs = std::filesystem;

struct Url {
  std::string scheme;
  std::string rest;  ///< behind "://"
};

std::optional<Url> split_url(const std::string& text) {
  const size_t mark = text.find("://");
  if (mark == std::string::npos || mark == 0) return std::nullopt;
  return Url{text.substr(0, mark), text.substr(mark + 3)};
}

fs::path below(const fs::path& root, const std::string& path) {
  fs::path full = (root / path).lexically_normal();
  return full.has_filename() ? full : full.parent_path();
}

void resolve_database(const Named<DatabaseEntry>& entry, Resolving& resolving) {
  Reader& reader = resolving.reader;
  const Location& at = entry.value.url.location;
  DatabaseConfig config;
  config.name = DatabaseName(entry.name);
  config.url = entry.value.url.value;
  config.location = entry.location;
  if (entry.value.max_runs) config.max_runs = static_cast<int>(entry.value.max_runs->value);
  const std::optional<Url> url = split_url(config.url);
  const std::string scheme = url ? url->scheme : "";
  if (scheme == "duckdb") {
    config.engine = Engine::duckdb;
    if (url->rest.empty()) {
      reader.error(at, "the URL of database '" + entry.name + "' names no file",
                   "write duckdb://warehouse.duckdb, or \"duckdb://:memory:\"");
      return;
    }
    if (url->rest != ":memory:") config.path = below(resolving.project.root, url->rest);
  } else if (scheme == "postgres" || scheme == "postgresql" || scheme == "mysql" ||
             scheme == "mariadb") {
    config.engine = scheme.starts_with("postgres") ? Engine::postgres : Engine::mysql;
    if (const auto options = server::parse_url(config.url); !options) {
      reader.error(at, "database '" + entry.name + "': " + options.error().message,
                   options.error().fix);
      return;
    }
  } else {
    // The URL may hold a password: it is not repeated.
    const std::string what = url ? "the scheme '" + scheme + "' of" : "the URL of";
    reader.error(at, what + " database '" + entry.name + "' is not known",
                 "write duckdb://PATH, postgres://… or mysql://…");
    return;
  }
  resolving.project.databases.push_back(std::move(config));
}

void resolve_bucket(const Named<BucketEntry>& entry, Resolving& resolving) {
  Reader& reader = resolving.reader;
  const Location& at = entry.value.url.location;
  BucketConfig config;
  config.name = BucketName(entry.name);
  config.url = entry.value.url.value;
  config.settle_ms = entry.value.settle_ms.value;
  config.location = entry.location;
  const std::optional<Url> url = split_url(config.url);
  if (!url || (url->scheme != "file" && url->scheme != "s3" && url->scheme != "gs")) {
    const std::string what = url ? "the scheme '" + url->scheme + "' of" : "the URL of";
    reader.error(at, what + " bucket '" + entry.name + "' is not known",
                 "write file://FOLDER, s3://NAME or gs://NAME");
    return;
  }
  if (url->rest.empty()) {
    reader.error(at, "the URL of bucket '" + entry.name + "' names no folder",
                 "write e.g. file://landing");
    return;
  }
  if (url->scheme == "file") {
    config.path = below(resolving.project.root, url->rest);
  } else {
    config.kind = url->scheme == "s3" ? BucketKind::s3 : BucketKind::gcs;
    reader.note(at, url->scheme + " buckets are not there yet: a run refuses");
  }
  resolving.project.buckets.push_back(std::move(config));
}

/// Two names for one DuckDB file would lock each other out.
void check_same_file(const Resolving& resolving) {
  std::map<fs::path, std::string> files;
  for (const DatabaseConfig& database : resolving.project.databases) {
    if (database.path.empty()) continue;
    const auto [first, added] = files.emplace(database.path, database.name.value());
    if (added) continue;
    resolving.reader.error(
        database.location,
        "database '" + database.name.value() + "' is the same file as '" + first->second + "'",
        "use one name for it");
  }
}

/// A bucket around the project would hold weir's own files, which change with every run.
void check_own_files(const Resolving& resolving) {
  const fs::path& root = resolving.project.root;
  for (const BucketConfig& bucket : resolving.project.buckets) {
    if (bucket.kind != BucketKind::file) continue;
    const fs::path way = root.lexically_relative(bucket.path);
    if (way.empty() || *way.begin() == "..") continue;
    resolving.reader.warning(bucket.location,
                             "bucket '" + bucket.name.value() + "' holds the project's own folder",
                             "give it a folder of its own, or weir may read its own files");
  }
}

}  // namespace

void resolve_storage(Resolving& resolving) {
  for (const Named<DatabaseEntry>& entry : resolving.entry.databases) {
    if (entry.sound) resolve_database(entry, resolving);
  }
  for (const Named<BucketEntry>& entry : resolving.entry.buckets) {
    if (entry.sound) resolve_bucket(entry, resolving);
  }
  check_same_file(resolving);
  check_own_files(resolving);
}

}  // namespace weir::config
