#include "runlog/key_store.h"

#include <fmt/format.h>

#include <algorithm>

#include "crypto/digest.h"
#include "crypto/random.h"
#include "runlog/private_file.h"

namespace weir::runlog {
namespace {

constexpr const char* schema = R"sql(
CREATE TABLE IF NOT EXISTS api_keys (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  digest TEXT NOT NULL UNIQUE,
  rows INTEGER NOT NULL,
  queries INTEGER NOT NULL,
  admin INTEGER NOT NULL,
  tables TEXT NOT NULL,          -- names in lines; none: all
  named_queries TEXT NOT NULL,
  plan TEXT NOT NULL,
  created_us INTEGER NOT NULL,
  revoked_us INTEGER
) STRICT;
CREATE TABLE IF NOT EXISTS usage (
  id TEXT NOT NULL,
  day INTEGER NOT NULL,
  requests INTEGER NOT NULL,
  PRIMARY KEY (id, day)
) STRICT, WITHOUT ROWID;
)sql";

constexpr size_t id_bytes = 6;
constexpr size_t secret_bytes = 24;

std::string joined(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, "\n"));
}

std::vector<std::string> split(std::string_view lines) {
  std::vector<std::string> names;
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    names.emplace_back(lines.substr(0, end));
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return names;
}

int64_t micros(Timestamp time) { return time.time_since_epoch().count(); }
Timestamp time_of(int64_t micros) { return Timestamp(std::chrono::microseconds(micros)); }

}  // namespace

Result<std::unique_ptr<KeyStore>> KeyStore::open(const std::string& path) {
  WEIR_TRY(create_private_file(path));
  auto connection = WEIR_TRY(SqliteConnection::open(path, AccessMode::read_write));
  WEIR_TRY(connection->execute(schema));
  auto store = std::unique_ptr<KeyStore>(new KeyStore(std::move(connection)));
  WEIR_TRY(store->load());
  return store;
}

Result<void> KeyStore::load() {
  std::vector<ApiKey> keys;
  {
    const std::lock_guard lock(connection_mutex_);
    Query query = WEIR_TRY(connection_->query(
        "SELECT id, name, digest, rows, queries, admin, tables, named_queries, plan, created_us, "
        "revoked_us FROM api_keys ORDER BY number"));
    while (WEIR_TRY(query.next())) {
      ApiKey key;
      key.id = query.text(0);
      key.name = query.text(1);
      key.digest = query.text(2);
      key.scopes.rows = query.integer(3) != 0;
      key.scopes.queries = query.integer(4) != 0;
      key.scopes.admin = query.integer(5) != 0;
      key.scopes.tables = split(query.text(6));
      key.scopes.named_queries = split(query.text(7));
      key.plan = query.text(8);
      key.created = time_of(query.integer(9));
      if (!query.is_null(10)) key.revoked = time_of(query.integer(10));
      keys.push_back(std::move(key));
    }
  }
  const std::unique_lock lock(keys_mutex_);
  keys_ = std::move(keys);
  by_digest_.clear();
  for (size_t i = 0; i < keys_.size(); ++i) {
    if (!keys_[i].revoked) by_digest_[keys_[i].digest] = i;
  }
  return {};
}

Result<NewKey> KeyStore::create(const std::string& name, KeyScopes scopes, const std::string& plan,
                                Timestamp now) {
  NewKey made;
  made.key.id = crypto::to_hex(crypto::random_bytes(id_bytes));
  made.key.name = name;
  made.secret =
      fmt::format("weir_{}_{}", made.key.id, crypto::to_hex(crypto::random_bytes(secret_bytes)));
  // A random key of 192 bits needs no slow hash: nobody can try them all.
  made.key.digest = crypto::to_hex(crypto::sha256(made.secret));
  made.key.scopes = std::move(scopes);
  made.key.plan = plan;
  made.key.created = now;
  {
    const std::lock_guard lock(connection_mutex_);
    WEIR_TRY(connection_->transact(Durability::power_cut, [&] {
      const KeyScopes& kept = made.key.scopes;
      return connection_->run(
          "INSERT INTO api_keys (id, name, digest, rows, queries, admin, tables, named_queries, "
          "plan, created_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
          std::string_view(made.key.id), std::string_view(name), std::string_view(made.key.digest),
          int64_t{kept.rows}, int64_t{kept.queries}, int64_t{kept.admin},
          std::string_view(joined(kept.tables)), std::string_view(joined(kept.named_queries)),
          std::string_view(plan), micros(now));
    }));
  }
  WEIR_TRY(load());
  return made;
}

std::vector<ApiKey> KeyStore::list() const {
  const std::shared_lock lock(keys_mutex_);
  return keys_;
}

Result<ApiKey> KeyStore::revoke(const std::string& id_or_name, Timestamp now) {
  std::vector<ApiKey> found;
  for (const ApiKey& key : list()) {
    if (!key.revoked && (key.id == id_or_name || key.name == id_or_name)) found.push_back(key);
  }
  if (found.empty()) {
    return fail(ErrorCode::not_found, "no key in use has the id or name '" + id_or_name + "'",
                "`weir key list` shows them");
  }
  if (found.size() > 1) {
    return fail(ErrorCode::usage,
                fmt::format("{} keys have the name '{}'", found.size(), id_or_name),
                "say which by its id; `weir key list` shows them");
  }
  ApiKey& key = found.front();
  key.revoked = now;
  {
    const std::lock_guard lock(connection_mutex_);
    WEIR_TRY(connection_->transact(Durability::power_cut, [&] {
      return connection_->run("UPDATE api_keys SET revoked_us = ? WHERE id = ?", micros(now),
                              std::string_view(key.id));
    }));
  }
  WEIR_TRY(load());
  return key;
}

std::optional<ApiKey> KeyStore::find(std::string_view secret) const {
  const std::string digest = crypto::to_hex(crypto::sha256(secret));
  const std::shared_lock lock(keys_mutex_);
  // Looked up by digest: how long it takes says nothing about keys.
  const auto at = by_digest_.find(digest);
  return at == by_digest_.end() ? std::nullopt : std::optional(keys_[at->second]);
}

Result<uint64_t> KeyStore::requests(const std::string& key, int64_t day) const {
  const std::lock_guard lock(connection_mutex_);
  Query query = WEIR_TRY(connection_->query("SELECT requests FROM usage WHERE id = ? AND day = ?"));
  query.bind(std::string_view(key)).bind(day);
  if (!WEIR_TRY(query.next())) return uint64_t{0};
  return static_cast<uint64_t>(query.integer(0));
}

Result<void> KeyStore::set_requests(const std::string& key, int64_t day, uint64_t requests) {
  const std::lock_guard lock(connection_mutex_);
  return connection_->transact(Durability::process_death, [&]() -> Result<void> {
    WEIR_TRY(
        connection_->run("DELETE FROM usage WHERE id = ? AND day < ?", std::string_view(key), day));
    return connection_->run(
        "INSERT INTO usage (id, day, requests) VALUES (?, ?, ?) "
        "ON CONFLICT (id, day) DO UPDATE SET requests = excluded.requests",
        std::string_view(key), day, static_cast<int64_t>(requests));
  });
}

}  // namespace weir::runlog
