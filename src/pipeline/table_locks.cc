#include "pipeline/table_locks.h"

#include <algorithm>

namespace weir::pipeline {

std::shared_mutex& TableLocks::lock_of(const TableName& table) {
  const std::lock_guard lock(mutex_);
  return locks_[table];
}

TableLocks::Held TableLocks::take(std::vector<TableName> tables, Use use) {
  std::sort(tables.begin(), tables.end());
  tables.erase(std::unique(tables.begin(), tables.end()), tables.end());
  Held held;
  for (const TableName& table : tables) {
    if (use == Use::append) {
      held.shared_.emplace_back(lock_of(table));
    } else {
      held.alone_.emplace_back(lock_of(table));
    }
  }
  return held;
}

}  // namespace weir::pipeline
