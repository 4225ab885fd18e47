# Two made-up services that speak what no listed service does yet: CBOR of both kinds, query beside it, event streams.
set(here ${CMAKE_SOURCE_DIR}/tests/wire)
add_executable(mekong_wire_test ${here}/wire_test.cpp)
foreach(service gauges talks)
  set(out ${CMAKE_BINARY_DIR}/gen/${service})
  add_custom_command(OUTPUT ${out}/types.h ${out}/service.h ${out}/twin.h ${out}/tables.cpp
    COMMAND ${MEKONG_PYTHON} ${generator} --model ${here}/${service}.txt --service-json ${here}/${service}.json
      --actions ${here}/actions.json --out ${out}
    DEPENDS ${generator} ${CMAKE_SOURCE_DIR}/tools/codegen/aws_model.py ${here}/${service}.txt ${here}/${service}.json
      ${here}/actions.json VERBATIM)
  target_sources(mekong_wire_test PRIVATE ${out}/tables.cpp ${out}/types.h ${out}/service.h)
endforeach()
target_include_directories(mekong_wire_test PRIVATE ${CMAKE_BINARY_DIR} ${CMAKE_SOURCE_DIR})
target_link_libraries(mekong_wire_test PRIVATE mekong_api GTest::gtest_main GTest::gmock)
add_test(NAME wire COMMAND mekong_wire_test)
