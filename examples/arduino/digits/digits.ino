// Reads a handwritten digit with a network that scikit-learn trained and skcoreset
// compressed. The headers are written by make_digits.py.

#include "network.h"
#include "network_test.h"
#include "digit.h"

void setup() {
  Serial.begin(115200);
  for (int row = 0; row < 8; ++row) {
    for (int column = 0; column < 8; ++column)
      Serial.print(digit[8 * row + column] > 8 ? '#' : '.');
    Serial.println();
  }
  unsigned long start = micros();
  int number = predict(digit);
  unsigned long end = micros();
  Serial.print("This is a ");
  Serial.println(number);
  Serial.print("Microseconds: ");
  Serial.println(end - start);
  Serial.print("Rows that differ from Python: ");
  Serial.println(predict_test());
}

void loop() {
  delay(1000);
}
