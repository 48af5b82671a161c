#pragma once

#include <map>
#include <mutex>
#include <shared_mutex>
#include <vector>

#include "model/names.h"

namespace weir::pipeline {

/// Who may work on a table of the dictionary. Thread-safe; all tables one work needs are taken
/// together, in one order everywhere.
class TableLocks {
 public:
  enum class Use {
    append,  ///< adds rows and looks at none: with others who do only that
    alone,   ///< decides by the rows that are there, or alters the table
  };

  /// Lets go at its end.
  class Held {
   public:
    Held() = default;

   private:
    friend class TableLocks;
    std::vector<std::shared_lock<std::shared_mutex>> shared_;
    std::vector<std::unique_lock<std::shared_mutex>> alone_;
  };

  /// Waits until it may.
  Held take(std::vector<TableName> tables, Use use);

 private:
  std::shared_mutex& lock_of(const TableName& table);

  std::mutex mutex_;
  std::map<TableName, std::shared_mutex> locks_;  // guarded by mutex_; never shrinks
};

}  // namespace weir::pipeline
