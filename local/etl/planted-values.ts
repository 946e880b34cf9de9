import type { ExampleOrder } from './example-orders.ts';

/**
 * Personal values of the orders that a search by bytes can tell from chance: `least` of them or a few more as they
 * stand in the records, those of records to be set aside first and others spread over all; and the spellings they are
 * brought to before they are hashed. Never among them are postcodes, countries and the four digits of cards, which
 * any file may hold.
 */
export function plantedValues(orders: readonly ExampleOrder[], least = 1_000): readonly string[] {
  const values = new Set(orders.filter(({ fate }) => fate === 'quarantined').flatMap(writtenValues));
  const step = Math.max(1, Math.floor((orders.length * fewestPerOrder) / least));
  for (let start = 0; start < step; start += 1) {
    for (let index = start; index < orders.length && values.size < least; index += step)
      for (const value of writtenValues(orders[index])) values.add(value);
  }
  return [...new Set([...values].flatMap(spellings))];
}

const fewestPerOrder = 2;

function writtenValues(order: ExampleOrder | undefined): readonly string[] {
  if (!order || typeof order.record !== 'object') return [];
  const {
    customer_email: email,
    customer_phone: phone,
    ship_to: address,
  } = { ...order.record } as {
    customer_email?: string;
    customer_phone?: string | null;
    ship_to?: { street: string; city: string } | null;
  };
  const { name } = order.customer;
  return [name, email, phone, address?.street, address?.city].filter((value) => typeof value === 'string');
}

/** An e-mail address has one case at last, a phone number no layout. */
function spellings(value: string): readonly string[] {
  if (value.includes('@')) return [value, value.toLowerCase()];
  if (/^(\+|00)/.test(value)) return [value, value.replaceAll(/\D/g, '').replace(/^00/, '')];
  return [value];
}
