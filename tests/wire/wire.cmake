# Two made-up services that speak what no listed service does yet: CBOR of both kinds, query beside it, event streams.
set(here ${CMAKE_SOURCE_DIR}/tests/wire)
foreach(service gauges talks)
  set(out ${CMAKE_BINARY_DIR}/gen/${service})
  add_custom_command(OUTPUT ${out}/types.h ${out}/service.h ${out}/twin.h ${out}/client.h ${out}/tables.cpp
    COMMAND ${MEKONG_PYTHON} ${generator} --model ${here}/${service}.txt --service-json ${here}/${service}.json
      --actions ${here}/actions.json --out ${out}
    DEPENDS ${generator} ${CMAKE_SOURCE_DIR}/tools/codegen/aws_model.py ${here}/${service}.txt ${here}/${service}.json
      ${here}/actions.json VERBATIM)
  add_library(mekong_gen_${service} STATIC EXCLUDE_FROM_ALL ${out}/tables.cpp ${out}/types.h ${out}/service.h)
  target_include_directories(mekong_gen_${service} PUBLIC ${CMAKE_BINARY_DIR} ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(mekong_gen_${service} PUBLIC mekong_api)
endforeach()
add_executable(mekong_wire_test ${here}/wire_test.cpp)
target_link_libraries(mekong_wire_test PRIVATE mekong_gen_gauges mekong_gen_talks GTest::gtest_main GTest::gmock)
add_test(NAME wire COMMAND mekong_wire_test)
if(MEKONG_SANITIZE MATCHES fuzzer)
  set(M_LIBS mekong_gen_gauges mekong_gen_talks mekong_gen_s3 mekong_gen_sts mekong_gen_glue)
  set(CMAKE_CURRENT_SOURCE_DIR ${here})
  mekong_fuzz_targets(mekong_api ${here}/wire_fuzz.cpp)
endif()
find_package(benchmark QUIET)
if(benchmark_FOUND)
  add_executable(mekong_decode_bench EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/bench/decode.cpp)
  target_link_libraries(mekong_decode_bench PRIVATE mekong_gen_gauges benchmark::benchmark)
endif()
