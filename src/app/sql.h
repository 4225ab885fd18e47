// Where ./dev setup put what runs queries.
#pragma once
#include <string>

#include "sql/worker.h"

namespace mekong::app {

// $MEKONG_DEPS/athena-venv (else below /var/cache/mekong/deps) and workers/sql_worker.py of the tree that the
// program was built in. Without them queries fail by name. As root, workers run as nobody and
// do not see `data`, the data folder, nor homes and temporary folders.
sql::Config find_sql(const std::string& data);

}  // namespace mekong::app
