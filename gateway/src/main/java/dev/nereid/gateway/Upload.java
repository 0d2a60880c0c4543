package dev.nereid.gateway;

import java.util.List;
import java.util.Map;

/**
 * What a client sent: pictures, and fields beside them.
 *
 * @param items in the client's order
 * @param fields text fields of the form or members of the JSON object
 */
record Upload(List<Item> items, Map<String, String> fields) implements AutoCloseable {

  /** Gives back the pictures that no inference took. */
  @Override
  public void close() {
    for (Item item : items) {
      if (item instanceof Item.Picture picture) {
        picture.lease().close();
      }
    }
  }
}
