#include "pipeline/find_drift.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "pipeline/conversion.h"
#include "pipeline/duckdb_catalog.h"
#include "pipeline/duckdb_rows.h"
#include "pipeline/row_check.h"
#include "pipeline/server_catalog.h"
#include "pipeline/server_rows.h"

namespace weir::pipeline {
namespace {

/// A database while its tables are compared.
class Compared {
 public:
  virtual ~Compared() = default;
  virtual TableCatalog& catalog() = 0;
  virtual Result<std::unique_ptr<TableRows>> rows(const Table& table) = 0;
  virtual Result<void> run(const std::string& ddl) = 0;
  virtual Result<void> commit() = 0;
  /// Whether DDL goes with the transaction.
  virtual bool takes_back() const { return true; }
};

class ComparedFile final : public Compared {
 public:
  static Result<std::unique_ptr<Compared>> open(const Project& project, Databases::Pointer database,
                                                const DatabaseName& name) {
    for (const Table& table : project.tables) {
      if (table.database == name) WEIR_TRY(prepare_conversions(*database, table));
    }
    auto connection = WEIR_TRY(database->connect());
    auto transaction = WEIR_TRY(duckdb::Transaction::begin(*connection));
    return std::unique_ptr<Compared>(
        new ComparedFile(std::move(database), std::move(connection), std::move(transaction)));
  }

  TableCatalog& catalog() override { return catalog_; }
  Result<std::unique_ptr<TableRows>> rows(const Table& table) override {
    return std::make_unique<DuckdbRows>(*database_, *connection_, table);
  }
  Result<void> run(const std::string& ddl) override {
    WEIR_TRY(connection_->run(ddl));
    return {};
  }
  Result<void> commit() override { return transaction_.commit(); }

 private:
  ComparedFile(Databases::Pointer database, std::unique_ptr<duckdb::Connection> connection,
               duckdb::Transaction transaction)
      : database_(std::move(database)),
        connection_(std::move(connection)),
        transaction_(std::move(transaction)),
        catalog_(*connection_) {}

  Databases::Pointer database_;
  std::unique_ptr<duckdb::Connection> connection_;
  duckdb::Transaction transaction_;
  DuckdbCatalog catalog_;
};

class ComparedServer final : public Compared {
 public:
  static Result<std::unique_ptr<Compared>> open(Databases& databases, const DatabaseConfig& config,
                                                Apply apply) {
    auto workshop = WEIR_TRY(databases.open_to_look(config.name));
    auto connection = WEIR_TRY(databases.connect(config.name));
    if (apply == Apply::no) {
      WEIR_TRY(connection->begin_snapshot());
    } else if (config.engine != Engine::mysql) {
      WEIR_TRY(connection->begin());
    }
    return std::unique_ptr<Compared>(
        new ComparedServer(std::move(workshop), std::move(connection), config.engine));
  }
  ~ComparedServer() override { connection_->rollback(); }
  ComparedServer(const ComparedServer&) = delete;
  ComparedServer& operator=(const ComparedServer&) = delete;

  TableCatalog& catalog() override { return *catalog_; }
  Result<std::unique_ptr<TableRows>> rows(const Table& table) override {
    auto found = WEIR_TRY(catalog_->find(table));
    return WEIR_TRY(ServerRows::make(*connection_, *workshop_, *catalog_, table, std::move(found)));
  }
  Result<void> run(const std::string& ddl) override {
    WEIR_TRY(connection_->run(ddl));
    return {};
  }
  Result<void> commit() override { return takes_back() ? connection_->commit() : Result<void>(); }
  bool takes_back() const override { return engine_ != Engine::mysql; }

 private:
  ComparedServer(Databases::Pointer workshop, std::unique_ptr<server::Connection> connection,
                 Engine engine)
      : workshop_(std::move(workshop)),
        connection_(std::move(connection)),
        engine_(engine),
        catalog_(server_catalog(*connection_, engine)) {}

  Databases::Pointer workshop_;
  std::unique_ptr<server::Connection> connection_;
  Engine engine_;
  std::unique_ptr<TableCatalog> catalog_;
};

Result<TableDrift> compare(const Project& project, Compared& database, const Table& table) {
  TableDrift drift = WEIR_TRY(compare_structure(database.catalog(), table));
  const auto rows = WEIR_TRY(database.rows(table));
  WEIR_TRY(check_rows(project, database.catalog(), *rows, drift));
  return drift;
}

/// Runs DDL, and remembers what it altered.
class Mender {
 public:
  explicit Mender(Compared& database) : database_(database) {}

  /// What was done, then what is there now. A new column can be made NOT NULL only once it is
  /// there, and rules are judged once all columns are: so it is looked at again until nothing is
  /// left to do.
  Result<TableDrift> mend(const Project& project, const Table& table);

 private:
  /// What is safe; each such difference is then done. How many there were.
  Result<size_t> run(TableDrift& drift);
  std::string altered() const;

  Compared& database_;
  std::vector<std::string> done_;
};

std::string Mender::altered() const {
  if (database_.takes_back() || done_.empty()) return "nothing was altered";
  return fmt::format("the server commits each statement; what was run before: {}",
                     fmt::join(done_, "; "));
}

Result<size_t> Mender::run(TableDrift& drift) {
  size_t mended = 0;
  for (Difference& found : drift.differences) {
    if (found.mending != Mending::safe) continue;
    if (std::ranges::find(done_, found.ddl.front()) != done_.end()) {
      found.mending = Mending::by_hand;
      found.fix = "it was run, and the difference remains";
      continue;
    }
    for (const std::string& ddl : found.ddl) {
      const auto done = database_.run(ddl);
      if (!done) {
        Error error = done.error();
        error.message = ddl + ": " + error.message;
        error.fix = altered();
        return fail(std::move(error));
      }
      done_.push_back(ddl);
    }
    found.mending = Mending::done;
    ++mended;
  }
  return mended;
}

Result<TableDrift> Mender::mend(const Project& project, const Table& table) {
  TableDrift all;
  all.table = &table;
  for (;;) {
    TableDrift drift = WEIR_TRY(compare(project, database_, table));
    if (WEIR_TRY(run(drift)) == 0) {
      std::ranges::move(drift.differences, std::back_inserter(all.differences));
      return all;
    }
    std::ranges::copy_if(drift.differences, std::back_inserter(all.differences),
                         [](const Difference& found) { return found.mending == Mending::done; });
  }
}

Result<std::unique_ptr<Compared>> open(const Project& project, Resources& resources,
                                       const DatabaseName& name, Apply apply) {
  const DatabaseConfig& config = *project.find_database(name);
  if (config.engine != Engine::duckdb) {
    return ComparedServer::open(*resources.databases, config, apply);
  }
  return ComparedFile::open(project, WEIR_TRY(resources.databases->open(name)), name);
}

}  // namespace

Result<std::vector<TableDrift>> find_drift(const Project& project, Resources& resources,
                                           const std::optional<TableName>& only, Apply apply) {
  if (only && project.find_table(*only) == nullptr) {
    return fail(ErrorCode::not_found, "there is no table '" + only->value() + "'");
  }
  std::map<TableName, TableDrift> found;
  for (const DatabaseName& name : resources.databases->names()) {
    std::vector<const Table*> tables;
    std::vector<TableName> altered;
    for (const Table& table : project.tables) {
      if (table.database != name || (only && table.name != *only)) continue;
      tables.push_back(&table);
      if (apply == Apply::yes) altered.push_back(table.name);
    }
    if (tables.empty()) continue;
    const auto locks = resources.table_locks->take(std::move(altered), TableLocks::Use::alone);
    const auto database = WEIR_TRY(open(project, resources, name, apply));
    Mender mender(*database);
    for (const Table* table : tables) {
      found[table->name] = apply == Apply::yes ? WEIR_TRY(mender.mend(project, *table))
                                               : WEIR_TRY(compare(project, *database, *table));
    }
    if (apply == Apply::yes) WEIR_TRY(database->commit());
  }
  std::vector<TableDrift> drifts;
  for (const Table& table : project.tables) {
    if (const auto at = found.find(table.name); at != found.end()) {
      drifts.push_back(std::move(at->second));
    }
  }
  return drifts;
}

}  // namespace weir::pipeline
