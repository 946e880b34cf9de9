import type { Random } from '../../shared/runtime/random.ts';
import type { ExampleCustomer } from './example-customers.ts';
import { pick, wholeNumber } from './seeded-random.ts';

/** A record as the shop should send it; see the contract in examples/pipelines/orders.json. */
export interface OrderRow {
  readonly order_id: string;
  readonly ordered_at: string;
  readonly status: string;
  readonly country: string;
  readonly currency: string;
  readonly amount: string | number;
  readonly items: number | string;
  readonly customer_email: string;
  readonly customer_phone: string | null;
  readonly customer_name: string;
  readonly ship_to: Readonly<Record<string, string>> | null;
  readonly card_last4: string | null;
  readonly coupon?: string | null;
}

/** A good record, some of it as older clients of the shop write it. */
export function anOrderRow(
  random: Random,
  { orderedAt, customer, id }: { orderedAt: Date; customer: ExampleCustomer; id: number },
): OrderRow & Readonly<Record<string, unknown>> {
  const { name, email, phone, street, city, postcode, country } = customer;
  const cents = wholeNumber(random, 199, 49_999);
  const items = wholeNumber(random, 1, 12);
  return {
    order_id: `ORD-${String(id).padStart(8, '0')}`,
    ordered_at: orderedAt.toISOString(),
    status: pick(random, ['placed', 'paid', 'paid', 'shipped', 'delivered', 'cancelled']),
    country,
    currency: pick(random, ['EUR', 'EUR', 'EUR', 'DKK', 'PLN', 'SEK']),
    // Older clients of the shop send numbers for text and text for numbers, which the contract converts.
    amount: random() < 0.01 ? cents / 100 : (cents / 100).toFixed(2),
    items: random() < 0.01 ? String(items) : items,
    customer_email: random() < 0.05 ? email.toUpperCase() : email,
    customer_phone: phone,
    customer_name: name,
    ship_to: random() < 0.03 ? null : { name, street, city, postcode, country },
    card_last4: random() < 0.3 ? null : String(wholeNumber(random, 0, 9_999)).padStart(4, '0'),
    ...(random() < 0.15 ? { coupon: `SAVE${wholeNumber(random, 5, 25)}` } : {}),
    // Columns the contract does not know.
    ...(random() < 0.03 ? { utm_campaign: 'autumn' } : {}),
    ...(random() < 0.01 ? { loyalty_tier: wholeNumber(random, 1, 3) } : {}),
  };
}
